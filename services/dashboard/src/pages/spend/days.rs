//! A month's days as bars, drawn on the server, with the limit of a day where guard has one; and the same as a table.

use maud::{Markup, html};
use tidegate_kernel::{Month, Usd};

use super::month::{DayLine, MonthView};
use crate::parts::amount::{count, usd};

/// Width of a day, and of the bar in it, in units of the picture.
const STEP: u64 = 10;
const BAR: u64 = 8;
const HEIGHT: u64 = 120;

/// What guard allows the team in a day.
pub(super) struct DayLimit {
    pub rule: String,
    pub limit: Usd,
}

/// A day of the month with its figures, whether runs began on it or not.
struct Day<'m> {
    number: u64,
    line: Option<&'m DayLine>,
}

impl Day<'_> {
    fn cost(&self) -> Usd {
        self.line.map(|line| line.cost_usd.0).unwrap_or_default()
    }
}

pub(super) fn days(month: Month, spend: &MonthView, limit: Option<&DayLimit>) -> Markup {
    let length_ms = month.next().start().millis_since(month.start());
    let days: Vec<Day<'_>> = (1..=length_ms / crate::parts::time::DAY_MS).map(|number| day(spend, number)).collect();
    let most = days.iter().map(Day::cost).max().unwrap_or_default();
    let top = limit.map_or(most, |limit| most.max(limit.limit));
    let view = format!("0 0 {} {HEIGHT}", days.len() as u64 * STEP);
    html! {
        @if most > Usd::ZERO {
            section aria-labelledby="days" {
                h2 #days { "By day" }
                figure.chart {
                    p.note { (usd(top)) }
                    svg viewBox=(view) width="100%" height=(HEIGHT) preserveAspectRatio="none" aria-hidden="true" focusable="false" {
                        @for day in &days {
                            @let tall = height(day.cost(), top);
                            rect.fill x=((day.number - 1) * STEP + (STEP - BAR) / 2) y=(HEIGHT - tall) width=(BAR) height=(tall) {
                                title { (month) "-" (format!("{:02}", day.number)) ": " (usd(day.cost())) }
                            }
                        }
                        @if let Some(limit) = limit {
                            @let y = HEIGHT - height(limit.limit, top);
                            line.limit x1="0" x2=(days.len() as u64 * STEP) y1=(y) y2=(y) vector-effect="non-scaling-stroke" {}
                        }
                    }
                    p.axis.note { span { (month) "-01" } span { (month) "-" (days.len()) } }
                    @if let Some(limit) = limit {
                        figcaption.hint { "The line is what the rule " strong { (limit.rule) } " allows the team in a day: " (usd(limit.limit)) "." }
                    }
                }
                (table(spend))
            }
        }
    }
}

fn day(spend: &MonthView, number: u64) -> Day<'_> {
    let of = |line: &&DayLine| line.day.get(8..).and_then(|day| day.parse().ok()) == Some(number);
    Day { number, line: spend.by_day.iter().find(of) }
}

/// A day that cost anything is seen.
fn height(cost: Usd, top: Usd) -> u64 {
    let tall = u128::from(cost.as_nanos()) * u128::from(HEIGHT) / u128::from(top.as_nanos().max(1));
    u64::try_from(tall).unwrap_or(HEIGHT).min(HEIGHT).max(u64::from(cost > Usd::ZERO))
}

fn table(spend: &MonthView) -> Markup {
    html! {
        details {
            summary { "The days as a table" }
            div.scroll tabindex="0" role="group" aria-label="Spend by day" {
                table {
                    thead { tr { th scope="col" { "Day" } th.number scope="col" { "Cost" } th.number scope="col" { "Runs" } } }
                    tbody {
                        @for line in &spend.by_day {
                            tr { th scope="row" { (line.day) } td.number { (usd(line.cost_usd.0)) } td.number { (count(line.runs)) } }
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
    fn a_bar_is_as_tall_as_its_part_of_the_top() {
        let usd = Usd::from_nanos;
        for (cost, top, tall) in [(0, 10, 0), (10, 10, HEIGHT), (5, 10, HEIGHT / 2), (1, 1_000_000, 1), (0, 0, 0)] {
            assert_eq!(height(usd(cost), usd(top)), tall, "{cost} of {top}");
        }
    }
}
