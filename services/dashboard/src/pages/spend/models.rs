//! A month's spend by model.

use maud::{Markup, html};

use super::month::MonthView;
use crate::parts::amount::{count, permille, usd};
use crate::parts::bar::bar;

/// Rows that stand open; the others are counted.
const ROWS: usize = 50;

pub(super) fn models(spend: &MonthView) -> Markup {
    let share = |nanos: u64| permille(nanos, spend.total_usd.0.as_nanos());
    html! {
        @if !spend.by_model.is_empty() {
            section aria-labelledby="models" {
                h2 #models { "By model" }
                div.scroll tabindex="0" role="group" aria-label="By model" {
                    table.shares {
                        thead {
                            tr {
                                th scope="col" { "Model" }
                                th scope="col" { "Provider" }
                                th.number scope="col" { "Cost" }
                                th.wide scope="col" { "Share" }
                            }
                        }
                        tbody {
                            @for line in spend.by_model.iter().take(ROWS) {
                                tr {
                                    th scope="row" { (line.model) }
                                    td { (line.provider) }
                                    td.number { (usd(line.cost_usd.0)) }
                                    td.wide { (bar(share(line.cost_usd.0.as_nanos()), "")) }
                                }
                            }
                            @if let Some(rest) = spend.by_model_rest_usd {
                                tr {
                                    th scope="row" { em { "no model known" } }
                                    td {}
                                    td.number { (usd(rest.0)) }
                                    td.wide { (bar(share(rest.0.as_nanos()), "")) }
                                }
                            }
                        }
                    }
                }
                @if spend.by_model.len() > ROWS { p.hint { (count((spend.by_model.len() - ROWS) as u64)) " more models are in the API's answer." } }
                p.hint { "Counted a few seconds behind the other figures. Reports without a model, and events that came before their run's start, have no model here." }
            }
        }
    }
}
