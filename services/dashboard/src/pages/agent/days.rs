//! An agent's last 30 days as bars, drawn on the server: its runs with those that failed, and what they cost; and the same as a
//! table.

use maud::{Markup, html};
use tidegate_kernel::Usd;

use crate::agent_days::{Day, Days, LIFETIME_MS};
use crate::parts::amount::{count, counted, usd};
use crate::parts::time;
use crate::walk::RUNS_MAX;

/// Width of a day, and of the bar in it, in units of the picture.
const STEP: usize = 10;
const BAR: usize = 8;
const HEIGHT: u64 = 80;

/// The section; nothing where nothing ran.
pub(super) fn section(days: &Days) -> Markup {
    let most_runs = days.days.iter().map(|day| day.runs).max().unwrap_or_default();
    let most_cost = days.days.iter().map(|day| day.cost).max().unwrap_or_default();
    let nanos = |day: &Day| day.cost.as_nanos();
    html! {
        @if !days.is_empty() {
            section aria-labelledby="days" {
                h2 #days { "The last 30 days" }
                figure.chart {
                    p.note { (counted(most_runs, "run")) " on the busiest day; failures are the lower part of a bar" }
                    (bars(days, |day| [tall(day.runs, most_runs), tall(day.failed, most_runs)]))
                    (axis(days))
                }
                @if most_cost > Usd::ZERO {
                    figure.chart {
                        p.note { (usd(most_cost)) " on the costliest day" }
                        (bars(days, |day| [tall(nanos(day), most_cost.as_nanos()), 0]))
                        (axis(days))
                    }
                }
                (table(days))
                p.hint {
                    @if let Some(since) = days.looked_at_since {
                        "Of its latest " (count(RUNS_MAX as u64)) " runs, since " (time::minute(since)) "; those before were not looked at. "
                    }
                    "Days in UTC, at most " (LIFETIME_MS / 1_000) " s old."
                }
            }
        }
    }
}

/// A bar for each day: how tall it is, and how tall is its lower part of another colour.
fn bars(days: &Days, of: impl Fn(&Day) -> [u64; 2]) -> Markup {
    let view = format!("0 0 {} {HEIGHT}", days.days.len() * STEP);
    html! {
        svg viewBox=(view) width="100%" height=(HEIGHT) preserveAspectRatio="none" aria-hidden="true" focusable="false" {
            @for (number, day) in days.days.iter().enumerate() {
                @let [whole, lower] = of(day);
                @let x = number * STEP + (STEP - BAR) / 2;
                @if whole > 0 {
                    g {
                        title { (said(day)) }
                        rect.fill x=(x) y=(HEIGHT - whole) width=(BAR) height=(whole) {}
                        @if lower > 0 { rect.failed x=(x) y=(HEIGHT - lower) width=(BAR) height=(lower) {} }
                    }
                }
            }
        }
    }
}

/// `2026-05-15: 12 runs, 3 failed, $0.50`.
fn said(day: &Day) -> String {
    format!("{}: {}, {} failed, {}", date(day), counted(day.runs, "run"), count(day.failed), usd(day.cost))
}

fn date(day: &Day) -> String {
    day.begins.to_string().get(..10).unwrap_or_default().to_owned()
}

fn axis(days: &Days) -> Markup {
    let end = |day: Option<&Day>| day.map(date).unwrap_or_default();
    html! { p.axis.note { span { (end(days.days.first())) } span { (end(days.days.last())) } } }
}

/// A day with anything is seen.
fn tall(part: u64, most: u64) -> u64 {
    let tall = u128::from(part) * u128::from(HEIGHT) / u128::from(most.max(1));
    u64::try_from(tall).unwrap_or(HEIGHT).min(HEIGHT).max(u64::from(part > 0))
}

fn table(days: &Days) -> Markup {
    html! {
        details {
            summary { "The days as a table" }
            div.scroll tabindex="0" role="group" aria-label="Runs by day" {
                table {
                    thead { tr { th scope="col" { "Day" } th.number scope="col" { "Runs" } th.number scope="col" { "Failed" } th.number scope="col" { "Cost" } } }
                    tbody {
                        @for day in days.days.iter().rev().filter(|day| day.runs > 0) {
                            tr { th scope="row" { (date(day)) } td.number { (count(day.runs)) } td.number { (count(day.failed)) } td.number { (usd(day.cost)) } }
                        }
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_is_as_tall_as_its_part_of_the_most() {
        for (part, most, expected) in [(0, 10, 0), (10, 10, HEIGHT), (5, 10, HEIGHT / 2), (1, 1_000_000, 1), (0, 0, 0)]
        {
            assert_eq!(tall(part, most), expected, "{part} of {most}");
        }
    }
}
