//! Quotas: this month's events against the plan, its agents, and its rate.

use axum::response::Response;
use maud::{Markup, html};
use tidegate_agentping::Limits;
use tidegate_kernel::Month;

use crate::layout::{Page, Part};
use crate::parts::amount::{count, permille};
use crate::parts::bar::marked;
use crate::parts::time;
use crate::problem::Problem;
use crate::visit::Visit;

/// Where a month's count is marked, in percent of the allowance.
const MARKS: [u64; 3] = [80, 100, 150];

pub(crate) async fn show(visit: Visit) -> Result<Response, Problem> {
    let pages = &visit.pages;
    let month = Month::of(visit.now);
    let (events, repeats, agents) = tokio::try_join!(
        pages.ask(visit.queries.usage(visit.team(), month)),
        pages.ask(visit.queries.repeats(visit.team(), month)),
        pages.ask(visit.queries.agents(visit.team())),
    )?;
    let limits = visit.viewer.plan.limits();
    let active = agents.iter().filter(|agent| !agent.is_archived()).count() as u64;
    let repeated: u64 = repeats.iter().map(|of_agent| of_agent.times).sum();
    let reset = month.next().start();
    let body = html! {
        h1 { "Quotas" }
        dl.figures {
            div { dt { "Plan" } dd { (visit.viewer.plan) } }
            div { dt { "Events in " (month) } dd { (count(events)) } }
            div { dt { "Counted anew" } dd { (time::ago(reset, visit.now)) } dd.note { (time::exact(reset)) } }
        }
        (month_bar(events, &limits))
        section aria-labelledby="limits" {
            h2 #limits { "Limits of the plan" }
            div.scroll tabindex="0" role="group" aria-label="Limits of the plan" {
                table {
                    thead { tr { th scope="col" { "What" } th.number scope="col" { "Used" } th.number scope="col" { "Limit" } } }
                    tbody {
                        (limit("Events a month", Some(events), limits.events_per_month))
                        (limit("Events a month, above which all is refused", None, limits.hard_cap()))
                        (limit("Agents", Some(active), limits.agents.map(u64::from)))
                        (limit("Requests a second", None, limits.sustained_per_s.map(u64::from)))
                        (limit("Requests at once", None, limits.burst.map(u64::from)))
                    }
                }
            }
            @if repeated > 0 {
                p.hint { (count(repeated)) " calls of this month closed a run again that was closed. They change no run and do not count." }
            }
        }
    };
    Ok(Page::new("Quotas", Part::Quotas, body).response(&visit))
}

/// The month up to 150 % of the allowance, from which on everything is refused.
fn month_bar(events: u64, limits: &Limits) -> Markup {
    let whole = limits.hard_cap();
    html! {
        @if let (Some(allowance), Some(whole)) = (limits.events_per_month, whole) {
            section aria-labelledby="month" {
                h2 #month { "The month so far" }
                @let class = if events >= whole { "bad" } else if events >= allowance { "warn" } else { "" };
                (marked(permille(events, whole), &MARKS.map(|mark| permille(mark, 150)), class))
                ul.marks {
                    @for mark in MARKS {
                        @let at = allowance.saturating_mul(mark) / 100;
                        li { strong { (mark) " %" } " " (count(at)) @if events >= at { " – reached" } }
                    }
                }
                p.hint { "Above 100 % records are still taken in; at 150 % everything is refused until the count begins anew." }
            }
        } @else {
            p.empty { "The plan has no limit of events." }
        }
    }
}

fn limit(name: &str, used: Option<u64>, limit: Option<u64>) -> Markup {
    html! {
        tr {
            th scope="row" { (name) }
            td.number { @match used { Some(used) => (count(used)), None => "–" } }
            td.number { @match limit { Some(limit) => (count(limit)), None => "none" } }
        }
    }
}
