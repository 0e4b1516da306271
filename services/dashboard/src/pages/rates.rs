//! The rate card: what model calls are priced at, and the models that have no price.

use std::collections::HashSet;

use axum::response::Response;
use maud::{Markup, html};
use tidegate_agentping::rates::RateRow;
use tidegate_agentping::{Rate, RateCard};
use tidegate_kernel::Month;

use crate::layout::{Page, Part};
use crate::parts::amount::usd;
use crate::parts::code::quoted;
use crate::problem::Problem;
use crate::visit::Visit;

pub(crate) async fn show(visit: Visit) -> Result<Response, Problem> {
    let pages = &visit.pages;
    let month = Month::of(visit.now);
    let (own, spend) = tokio::try_join!(
        pages.ask_registry(pages.registry.list_rates(visit.team())),
        pages.ask(visit.queries.spend(visit.team(), month, visit.now)),
    )?;
    let replaced: HashSet<(&str, &str)> = own.iter().map(|row| (row.provider.as_str(), row.model.as_str())).collect();
    let shipped: Vec<RateRow> = RateCard::shipped()
        .rows()
        .into_iter()
        .filter(|row| !replaced.contains(&(row.provider.as_str(), row.model.as_str())))
        .collect();
    let body = html! {
        h1 { "Rate card" }
        p.lead { "US dollars for a million tokens. A call is priced by the card in force when it is received, and keeps that price." }
        section aria-labelledby="unpriced" {
            h2 #unpriced { "Without a rate in " (month) }
            @if spend.unpriced.is_empty() {
                p.empty { "Every model that was called this month has a rate." }
            } @else {
                ul { @for (provider, model) in &spend.unpriced { li { code { (provider) " / " (model) } } } }
                p.hint {
                    "Their calls cost 0 here. Whoever operates this server sets a rate for calls from then on: "
                    code { (command(&visit.viewer.team.name, spend.unpriced.first())) } "."
                }
            }
        }
        section aria-labelledby="own" {
            h2 #own { "The team's own" }
            @if own.is_empty() {
                p.empty {
                    "None. Whoever operates this server sets one, which goes before the card's, by "
                    code { (command(&visit.viewer.team.name, None)) } "."
                }
            } @else { (table("The team's own rates", &own)) }
        }
        section aria-labelledby="shipped" { h2 #shipped { "Shipped with Tidegate" } (table("Rates shipped with Tidegate", &shipped)) }
    };
    Ok(Page::new("Rate card", Part::Rates, body).response(&visit))
}

/// The command that sets a rate of the team.
fn command(team: &str, model: Option<&(String, String)>) -> String {
    let named = |text: Option<&String>, stand_in: &str| text.map_or_else(|| stand_in.to_owned(), |text| quoted(text));
    let provider = named(model.map(|(provider, _)| provider), "PROVIDER");
    let model = named(model.map(|(_, model)| model), "MODEL");
    format!(
        "tidegate rates set --team {} --provider {provider} --model {model} --input INPUT --output OUTPUT",
        quoted(team)
    )
}

fn table(title: &str, rows: &[RateRow]) -> Markup {
    html! {
        div.scroll tabindex="0" role="group" aria-label=(title) {
            table {
                thead {
                    tr {
                        th scope="col" { "Provider" }
                        th scope="col" { "Model" }
                        th.number scope="col" { "Input" }
                        th.number scope="col" { "Cached input" }
                        th.number scope="col" { "Output" }
                        th.number scope="col" { "Batch" }
                    }
                }
                tbody {
                    @for RateRow { provider, model, rate } in rows {
                        tr {
                            td { (provider) }
                            th scope="row" { (model) }
                            td.number { (usd(rate.input_per_million)) }
                            td.number { (usd(rate.cached_per_million.unwrap_or(rate.input_per_million))) }
                            td.number { (usd(rate.output_per_million)) }
                            td.number { (batch(rate)) }
                        }
                    }
                }
            }
        }
    }
}

/// The factor of batch calls in percent.
fn batch(rate: &Rate) -> String {
    match (rate.batch_permille / 10, rate.batch_permille % 10) {
        (percent, 0) => format!("{percent} %"),
        (percent, tenth) => format!("{percent}.{tenth} %"),
    }
}
