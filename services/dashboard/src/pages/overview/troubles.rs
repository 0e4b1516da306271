//! What needs a look: agents that are down or late, open incidents, and today's runs that failed, with why.

use futures_util::future::try_join_all;
use maud::{Markup, html};
use serde_json::Value;
use tidegate_agentping::RunStatus;

use super::ROWS;
use crate::parts::amount::{count, usd};
use crate::parts::health::{self, Health};
use crate::parts::incidents::incidents;
use crate::parts::value::Members;
use crate::parts::{status, time};
use crate::problem::Problem;
use crate::url::with_query;
use crate::visit::Visit;
use crate::walk::{SeenRun, Walk};

/// States that need a look, the gravest first.
const WATCHED: [&str; 3] = ["down", "unknown", "late"];

/// Agents that are down, unknown or late.
pub(super) fn agents(visit: &Visit, health: &Health) -> Markup {
    let place = |agent: &Value| WATCHED.iter().position(|state| *state == agent.text("state"));
    let mut found: Vec<&Value> = health.agents().filter(|agent| place(agent).is_some()).collect();
    found.sort_by_key(|agent| (place(agent), agent.text("agent").to_owned()));
    html! {
        @if !found.is_empty() {
            section aria-labelledby="down" {
                h2 #down { "Down, unknown or late" }
                ul.rows {
                    @for agent in found.iter().take(ROWS) {
                        li {
                            (health::state(agent.text("state"))) " "
                            a href=(visit.agent_url(agent.text("agent"))) { (agent.text("agent")) }
                            (health::marks(agent))
                            @if let Some(since) = agent.instant("since") { " " span.note { "since " (time::ago(since, visit.now)) } }
                            @if let Some(last) = agent.instant("last_success") { " " span.note { "last success " (time::ago(last, visit.now)) } }
                        }
                    }
                    @if found.len() > ROWS { li { a href=(with_query(&visit.at("/agents"), &[("sort", Some("state"))])) { (count((found.len() - ROWS) as u64)) " more" } } }
                }
            }
        }
    }
}

/// The latest incidents that are open.
pub(super) async fn open_incidents(visit: &Visit) -> Result<Markup, Problem> {
    let limit = ROWS.to_string();
    let path = with_query("/v1/incidents", &[("status", Some("open")), ("limit", Some(&limit))]);
    let found = visit.look(&path).await?.unwrap_or_default();
    Ok(html! {
        @if !found.rows("incidents").is_empty() {
            section aria-labelledby="incidents" {
                h2 #incidents { "Open incidents" }
                (incidents(visit, found.rows("incidents")))
                @if !found.text("next_cursor").is_empty() { p { a href=(visit.at("/alerts")) { "All that are open" } } }
            }
        }
    })
}

/// Today's runs that failed, and those with errors, each with why.
pub(super) async fn runs(visit: &Visit, today: &Walk) -> Result<Markup, Problem> {
    let failed = |run: &&SeenRun| matches!(run.status, RunStatus::Failed | RunStatus::Timeout) || run.errored;
    let total = today.runs.iter().filter(failed).count();
    let shown: Vec<&SeenRun> = today.runs.iter().filter(failed).take(ROWS).collect();
    let reasons = try_join_all(shown.iter().map(|run| visit.reason(run))).await?;
    let rows: Vec<(&SeenRun, Option<String>)> = shown.into_iter().zip(reasons).collect();
    let midnight = time::midnight(visit.now).to_string();
    let all = with_query(&visit.at("/runs"), &[("status", Some("failed")), ("from", Some(&midnight))]);
    Ok(html! {
        section aria-labelledby="troubles" {
            h2 #troubles { "Failed or with errors today" }
            @if rows.is_empty() { p.empty { "No run of today has failed or reported an error." } } @else {
                (table(visit, &rows))
                @if total > rows.len() { p { a href=(all) { "All that failed today" } } }
            }
        }
    })
}

fn table(visit: &Visit, rows: &[(&SeenRun, Option<String>)]) -> Markup {
    html! {
        div.scroll tabindex="0" role="group" aria-label="Failed or with errors today" {
            table.runs {
                thead {
                    tr {
                        th scope="col" { "Status" }
                        th scope="col" { "Agent" }
                        th scope="col" { "Why" }
                        th scope="col" { "Run" }
                        th scope="col" { "Started" }
                        th.number scope="col" { "Cost" }
                    }
                }
                tbody {
                    @for (run, why) in rows {
                        tr {
                            td { (status::status(run.status)) @if run.errored { " " (status::errored()) } }
                            td { a href=(visit.agent_url(run.agent.as_str())) { (run.agent) } }
                            td.text { @match why { Some(why) => (why), None => span.note { "it does not say" } } }
                            td { a.id href=(visit.run_url(run.id)) { (run.id) } }
                            td { (time::ago(run.started_at, visit.now)) }
                            td.number { (usd(run.cost)) }
                        }
                    }
                }
            }
        }
    }
}
