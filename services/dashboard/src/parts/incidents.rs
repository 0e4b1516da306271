//! Incidents as rows, as `GET /v1/incidents` answers them.

use maud::{Markup, html};
use serde_json::Value;
use tidegate_agentping::RunId;

use crate::parts::amount::count;
use crate::parts::time;
use crate::parts::value::Members;
use crate::visit::Visit;

/// A table of incidents with its name.
pub(crate) fn incidents(visit: &Visit, name: &str, rows: &[Value]) -> Markup {
    html! {
        div.scroll tabindex="0" role="group" aria-label=(name) {
            table {
                thead {
                    tr {
                        th scope="col" { "State" }
                        th scope="col" { "Kind" }
                        th scope="col" { "Agent" }
                        th scope="col" { "Severity" }
                        th scope="col" { "Since" }
                        th scope="col" { "Resolved" }
                        th.number scope="col" { "Slots or runs" }
                        th scope="col" { "Opened by" }
                    }
                }
                tbody { @for row in rows { (incident(visit, row)) } }
            }
        }
    }
}

fn incident(visit: &Visit, row: &Value) -> Markup {
    let open = row.text("status") == "open";
    html! {
        tr id=(row.text("id")) {
            td {
                span class={ "status " (if open { "failed" } else { "success" }) } { (row.text("status")) }
                @if row.flag("muted") { " " span.tag { "muted" } }
            }
            td { a href=(visit.incident_url(row.text("id"))) { (row.text("kind")) } }
            td { @if !row.text("agent").is_empty() { a href=(visit.agent_url(row.text("agent"))) { (row.text("agent")) } } }
            td { (row.text("severity")) }
            td { @if let Some(at) = row.instant("opened_at") { (time::ago(at, visit.now)) } }
            td { @if let Some(at) = row.instant("resolved_at") { (time::ago(at, visit.now)) } @else { "–" } }
            td.number { (count(row.number("count").unwrap_or(1))) }
            td {
                @if let Ok(run) = RunId::parse(row.text("run_id")) { a.id href=(visit.run_url(run)) { (run) } }
                @else if let Some(slot) = row.instant("slot") { "slot of " (time::stamped(slot)) }
            }
        }
    }
}
