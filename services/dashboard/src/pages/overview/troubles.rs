//! What needs a look: agents that are down or late, open incidents, and today's runs that failed, with why.

use std::cmp::Reverse;

use futures_util::future::try_join_all;
use maud::{Markup, html};
use serde_json::Value;
use tidegate_agentping::{RunId, RunStatus};
use tidegate_agentping_ports::AgentSums;

use super::ROWS;
use crate::parts::amount::{count, counted, usd};
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
/// Statuses of runs that failed.
const FAILED: [RunStatus; 2] = [RunStatus::Failed, RunStatus::Timeout];

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
                (incidents(visit, "Open incidents", found.rows("incidents")))
                @if !found.text("next_cursor").is_empty() { p { a href=(visit.at("/alerts")) { "All that are open" } } }
            }
        }
    })
}

/// Today's runs that failed, and those of the latest ones that reported an error, each with why.
pub(super) async fn runs(visit: &Visit, today: &AgentSums, latest: &Walk) -> Result<Markup, Problem> {
    let midnight = time::midnight(visit.now);
    let failed = failed(visit, today, latest).await?;
    let named = today.newest_failed();
    let has_trouble = |run: &&SeenRun| {
        let is_bad = FAILED.contains(&run.status) || run.errored;
        is_bad && run.listed_at >= midnight && !named.contains(&run.id)
    };
    let mut found: Vec<SeenRun> = latest.runs.iter().filter(has_trouble).cloned().chain(failed).collect();
    found.sort_by_key(|run| Reverse((run.listed_at, run.id)));
    let of_status: u64 = FAILED.into_iter().map(|status| today.with_status(status)).sum();
    let are_more = found.len() > ROWS || of_status > named.len() as u64;
    found.truncate(ROWS);
    let reasons = try_join_all(found.iter().map(|run| visit.reason(run))).await?;
    let rows: Vec<(SeenRun, Option<String>)> = found.into_iter().zip(reasons).collect();
    // Runs of today before the latest ones were not read.
    let is_part = latest.more && latest.runs.last().is_some_and(|run| run.listed_at >= midnight);
    Ok(html! {
        section aria-labelledby="troubles" {
            h2 #troubles { "Failed or with errors today" }
            @if rows.is_empty() { p.empty { (none(today, is_part)) } } @else { (table(visit, &rows)) }
            @if is_part {
                p.hint {
                    "Runs that reported an error and did not fail are looked for among the latest "
                    (counted(latest.runs.len() as u64, "run")) "."
                }
            }
            @if are_more { p { (links(visit, today)) } }
        }
    })
}

/// The newest runs that the sums say have failed. Those that were read already are not read again.
async fn failed(visit: &Visit, today: &AgentSums, latest: &Walk) -> Result<Vec<SeenRun>, Problem> {
    let read = |id: RunId| async move {
        match latest.runs.iter().find(|run| run.id == id) {
            Some(run) => Ok(Some(run.clone())),
            None => visit.seen(id).await,
        }
    };
    let found = try_join_all(today.newest_failed().iter().copied().map(read)).await?;
    Ok(found.into_iter().flatten().collect())
}

/// What is said where there is none. `is_part`: for errors, not all runs of the day were looked at.
fn none(today: &AgentSums, is_part: bool) -> String {
    match (today.is_cut(), is_part) {
        (true, _) => format!("None of the latest {} of today has failed.", counted(today.runs(), "run")),
        (false, true) => "No run of today has failed.".to_owned(),
        (false, false) => "No run of today has failed or reported an error.".to_owned(),
    }
}

/// Links to all of them, by status, and to all runs of the day.
fn links(visit: &Visit, today: &AgentSums) -> Markup {
    let from = time::midnight(visit.now).to_string();
    let link = |status: Option<RunStatus>| {
        let status = status.map(RunStatus::as_str);
        with_query(&visit.at("/runs"), &[("status", status), ("from", Some(&from))])
    };
    html! {
        @for status in FAILED {
            @if today.with_status(status) > 0 {
                a href=(link(Some(status))) { "All with status " (status) " today" } " · "
            }
        }
        a href=(link(None)) { "All runs of today" }
    }
}

fn table(visit: &Visit, rows: &[(SeenRun, Option<String>)]) -> Markup {
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
