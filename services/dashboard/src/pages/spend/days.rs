//! A month's days, with the limit of a day where guard has one.

use maud::{Markup, html};
use tidegate_kernel::{Month, Usd};

use super::month::{DayLine, MonthView};
use crate::parts::amount::{count, usd};
use crate::parts::chart::{self, Bar};
use crate::parts::time::DAY_MS;

const HEIGHT: u64 = 120;

/// What guard allows the team in a day.
pub(super) struct DayLimit {
    pub rule: String,
    pub limit: Usd,
}

pub(super) fn days(month: Month, spend: &MonthView, limit: Option<&DayLimit>) -> Markup {
    let length_ms = month.next().start().millis_since(month.start());
    let costs: Vec<Usd> = (1..=length_ms / DAY_MS).map(|number| cost_of(spend, number)).collect();
    let most = costs.iter().copied().max().unwrap_or_default();
    let top = limit.map_or(most, |limit| most.max(limit.limit));
    let tall = |cost: Usd| chart::tall(cost.as_nanos(), top.as_nanos(), HEIGHT);
    let bar = |(number, cost): (u64, Usd)| {
        let said = format!("{month}-{number:02}: {}", usd(cost));
        Bar { said, whole: tall(cost), failed: 0 }
    };
    let bars: Vec<Bar> = (1..).zip(costs).map(bar).collect();
    let row = |line: &DayLine| (line.day.clone(), [usd(line.cost_usd.0), count(line.runs)]);
    html! {
        @if most > Usd::ZERO {
            section aria-labelledby="days" {
                h2 #days { "By day" }
                figure.chart {
                    p.note { (usd(top)) }
                    (chart::bars(&bars, HEIGHT, limit.map(|limit| tall(limit.limit))))
                    (chart::axis(&format!("{month}-01"), &format!("{month}-{}", bars.len())))
                    @if let Some(limit) = limit {
                        figcaption.hint {
                            "The line is what the rule " strong { (limit.rule) } " allows the team in a day: "
                            (usd(limit.limit)) "."
                        }
                    }
                }
                (chart::table("Spend by day", ["Cost", "Runs"], spend.by_day.iter().map(row)))
            }
        }
    }
}

/// What the runs cost that began on a day of the month.
fn cost_of(spend: &MonthView, number: u64) -> Usd {
    let of = |line: &&DayLine| line.day.get(8..).and_then(|day| day.parse().ok()) == Some(number);
    spend.by_day.iter().find(of).map(|line| line.cost_usd.0).unwrap_or_default()
}
