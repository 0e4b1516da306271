//! The table of agents.

use maud::{Markup, html};
use serde_json::Value;
use tidegate_kernel::Timestamp;

use super::order::Order;
use super::{Asked, Line};
use crate::parts::amount::{count, usd};
use crate::parts::health;
use crate::parts::ticks::ticks;
use crate::parts::value::Members;
use crate::parts::{status, time};
use crate::visit::Visit;

/// Columns of what the judge says are left out where none is at work.
pub(super) fn table(visit: &Visit, lines: &[Line], is_judged: bool, asked: &Asked) -> Markup {
    let head = |order: Order| {
        html! {
            th.number[order.is_number()] scope="col" aria-sort=[(order == asked.order).then(|| order.direction())] {
                a href=(asked.url(visit, order, 1)) { (order.name()) }
            }
        }
    };
    html! {
        div.scroll tabindex="0" role="group" aria-label="Agents" {
            table.agents {
                thead {
                    tr {
                        (head(Order::Name))
                        @if is_judged {
                            (head(Order::State))
                            th scope="col" { "Last 30 slots" }
                            (head(Order::NextSlot))
                            (head(Order::RunTime))
                        }
                        (head(Order::LastRun))
                        (head(Order::Runs))
                        (head(Order::Failed))
                        (head(Order::Cost))
                        @if is_judged { th scope="col" { "Routes" } }
                    }
                }
                tbody { @for line in lines { (row(visit, line, is_judged, visit.now)) } }
            }
        }
    }
}

fn row(visit: &Visit, Line { agent, today, judged }: &Line, is_judged: bool, now: Timestamp) -> Markup {
    let url = visit.agent_url(agent.slug.as_str());
    html! {
        tr {
            th scope="row" {
                a href=(url) { (agent.slug) }
                @if agent.is_archived() { " " span.tag { "archived" } }
            }
            @if is_judged {
                td { @if !judged.text("state").is_empty() { (health::state(judged.text("state"))) } (health::marks(judged)) }
                td.slots-cell { (ticks(&judged.slots(), &format!("{url}#schedule"))) }
                td { (next(judged, now)) }
                td.number { @match judged.number("median_duration_ms") { Some(ms) => (time::span(ms)), None => "–" } }
            }
            td {
                @match agent.last_seen { Some(at) => (time::ago(at, now)), None => "never" }
                @if let Some(status) = today.status { " " (status::status(status)) }
            }
            td.number { (count(today.runs)) }
            td.number { (count(today.failed)) }
            td.number { (usd(today.cost)) }
            @if is_judged { td { (routes(judged)) } }
        }
    }
}

/// The next slot, by the clock of the schedule's zone and in UTC, in whose place the script puts the reader's clock.
fn next(judged: &Value, now: Timestamp) -> Markup {
    html! {
        @match judged.instant("next_slot") {
            None => "–",
            Some(at) => {
                (time::ago(at, now))
                span.note {
                    @if !judged.text("next_slot_local").is_empty() { " " (in_zone(judged.text("next_slot_local"))) "," }
                    " " span data-here=(at) { (time::minute(at).get(11..).unwrap_or_default()) }
                }
            }
        }
    }
}

/// `2026-05-16T02:30:00+02:00` as `05-16 02:30 +02:00`.
fn in_zone(local: &str) -> String {
    match (local.get(5..10), local.get(11..16), local.get(19..)) {
        (Some(day), Some(minute), Some(offset)) => format!("{day} {minute} {offset}"),
        _ => local.to_owned(),
    }
}

fn routes(judged: &Value) -> Markup {
    let names: Vec<&str> = judged.rows("routes").iter().filter_map(Value::as_str).collect();
    html! { @if names.is_empty() { "–" } @else { (names.join(", ")) } }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slot_is_shown_by_the_clock_of_its_zone() {
        assert_eq!(in_zone("2026-05-16T02:30:00+02:00"), "05-16 02:30 +02:00");
        assert_eq!(in_zone("soon"), "soon");
    }
}
