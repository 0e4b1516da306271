//! Runs as rows.

use maud::{Markup, html};
use tidegate_kernel::Timestamp;

use crate::parts::{amount, status, time};
use crate::visit::Visit;
use crate::walk::SeenRun;

/// A table of runs, newest first as they come, with its name. `of_one_agent`: the column of agents is left out.
pub(crate) fn runs_table(visit: &Visit, runs: &[SeenRun], name: &str, of_one_agent: bool, now: Timestamp) -> Markup {
    html! {
        div.scroll tabindex="0" role="group" aria-label=(name) {
            table.runs {
                thead {
                    tr {
                        th scope="col" { "Status" }
                        @if !of_one_agent { th scope="col" { "Agent" } }
                        th scope="col" { "Run" }
                        th scope="col" { "Started" }
                        th.number scope="col" { "Duration" }
                        th.number scope="col" { "Events" }
                        th.number scope="col" { "Cost" }
                        th scope="col" { "Customer" }
                        th scope="col" { "Feature" }
                    }
                }
                tbody { @for run in runs { (row(visit, run, of_one_agent, now)) } }
            }
        }
    }
}

fn row(visit: &Visit, run: &SeenRun, of_one_agent: bool, now: Timestamp) -> Markup {
    html! {
        tr {
            td { (status::status(run.status)) @if run.errored { " " (status::errored()) } }
            @if !of_one_agent { td { a href=(visit.agent_url(run.agent.as_str())) { (run.agent) } } }
            td { a.id href=(visit.run_url(run.id)) { (run.id) } }
            td { (time::ago(run.started_at, now)) }
            td.number { @match run.duration_ms { Some(ms) => (time::span(ms)), None => "–" } }
            td.number { (amount::count(run.events)) }
            td.number { (amount::usd(run.cost)) }
            td { (run.customer_id.as_deref().unwrap_or("")) }
            td { (run.feature.as_deref().unwrap_or("")) }
        }
    }
}
