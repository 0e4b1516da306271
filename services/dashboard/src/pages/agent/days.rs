//! An agent's last 30 days: its runs with those that failed, and what they cost.

use maud::{Markup, html};
use tidegate_kernel::Usd;

use crate::agent_days::{Day, Days, LIFETIME_MS};
use crate::parts::amount::{count, counted, usd};
use crate::parts::chart::{self, Bar, tall};
use crate::parts::time;
use crate::walk::RUNS_MAX;

const HEIGHT: u64 = 80;

/// The section; nothing where nothing ran.
pub(super) fn section(days: &Days) -> Markup {
    let most_runs = days.days.iter().map(|day| day.runs).max().unwrap_or_default();
    let most_cost = days.days.iter().map(|day| day.cost).max().unwrap_or_default();
    let runs = |day: &Day| [tall(day.runs, most_runs, HEIGHT), tall(day.failed, most_runs, HEIGHT)];
    let costs = |day: &Day| [tall(day.cost.as_nanos(), most_cost.as_nanos(), HEIGHT), 0];
    let row = |day: &Day| (date(day), [count(day.runs), count(day.failed), usd(day.cost)]);
    let newest_first = days.days.iter().rev().filter(|day| day.runs > 0);
    html! {
        @if !days.is_empty() {
            section aria-labelledby="days" {
                h2 #days { "The last 30 days" }
                figure.chart {
                    p.note { (counted(most_runs, "run")) " on the busiest day; failures are the lower part of a bar" }
                    (drawn(days, runs))
                }
                @if most_cost > Usd::ZERO {
                    figure.chart {
                        p.note { (usd(most_cost)) " on the costliest day" }
                        (drawn(days, costs))
                    }
                }
                (chart::table("Runs by day", ["Runs", "Failed", "Cost"], newest_first.map(row)))
                p.hint {
                    @if let Some(since) = days.looked_at_since {
                        "Of its latest " (count(RUNS_MAX as u64)) " runs, since " (time::minute(since))
                        "; those before were not looked at. "
                    }
                    "Days in UTC, at most " (LIFETIME_MS / 1_000) " s old."
                }
            }
        }
    }
}

/// A bar for each day: how tall it is, and how tall is its lower part of another colour.
fn drawn(days: &Days, of: impl Fn(&Day) -> [u64; 2]) -> Markup {
    let bar = |day: &Day| {
        let [whole, failed] = of(day);
        Bar { said: said(day), whole, failed }
    };
    let bars: Vec<Bar> = days.days.iter().map(bar).collect();
    let end = |day: Option<&Day>| day.map(date).unwrap_or_default();
    html! {
        (chart::bars(&bars, HEIGHT, None))
        (chart::axis(&end(days.days.first()), &end(days.days.last())))
    }
}

/// `2026-05-15: 12 runs, 3 failed, $0.50`.
fn said(day: &Day) -> String {
    format!("{}: {}, {} failed, {}", date(day), counted(day.runs, "run"), count(day.failed), usd(day.cost))
}

fn date(day: &Day) -> String {
    day.begins.to_string().get(..10).unwrap_or_default().to_owned()
}
