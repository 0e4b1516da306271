//! What came of the checks of a run, as `GET /v1/runs/{id}/checks` answers it.

use maud::{Markup, html};
use serde_json::Value;
use tidegate_agentping::RunId;

use crate::parts::time;
use crate::parts::value::Members;
use crate::problem::Problem;
use crate::visit::Visit;

/// The results as a table; nothing for a run that was not checked.
pub(super) async fn results(visit: &Visit, id: RunId) -> Result<Markup, Problem> {
    let Some(found) = visit.look(&format!("/v1/runs/{id}/checks")).await? else { return Ok(html! {}) };
    let rows = found.rows("results");
    Ok(html! {
        @if !rows.is_empty() {
            section aria-labelledby="checks" {
                h2 #checks { "Checks" }
                div.scroll tabindex="0" role="group" aria-label="Checks" {
                    table {
                        thead { tr { th scope="col" { "Outcome" } th scope="col" { "Check" } th scope="col" { "Expected" } th scope="col" { "Got" } th scope="col" { "Judged" } } }
                        tbody { @for row in rows { (result(visit, row)) } }
                    }
                }
                @if !found.flag("final") { p.hint { "Events that still come may change it." } }
            }
        }
    })
}

fn result(visit: &Visit, row: &Value) -> Markup {
    let class = match row.text("outcome") {
        "pass" => "success",
        "fail" => "failed",
        _ => "timeout",
    };
    html! {
        tr {
            td { span class={ "status " (class) } { (row.text("outcome")) } }
            td { code.id { (row.text("check")) } " " span.note { "version " (row.shown("version")) } }
            td.text { (row.shown("expected")) }
            td.text { (row.shown("got")) }
            td { @if let Some(at) = row.instant("at") { (time::ago(at, visit.now)) } }
        }
    }
}
