//! The overview: what is down and why, what ran today, what failed and why, what it cost, and what the month comes to.

mod troubles;

use axum::response::Response;
use maud::{Markup, html};
use tidegate_agentping::RunStatus;
use tidegate_agentping_ports::{AgentSums, RunFilter};
use tidegate_kernel::Month;

use crate::layout::{Page, Part};
use crate::pages::start;
use crate::parts::amount::{at_least, count, counted, permille, usd};
use crate::parts::bar::bar;
use crate::parts::doubts::doubts;
use crate::parts::health::Health;
use crate::parts::runs_table::runs_table;
use crate::parts::value::Members;
use crate::problem::Problem;
use crate::visit::Visit;
use crate::walk::SUMMED_MAX;

/// Rows of a list here at most.
const ROWS: usize = 8;
/// The latest runs, which are read: among them are those that reported an error and did not fail.
const LATEST: usize = 100;
/// A run is on the page within a second (AC-73).
const LIVE_S: u32 = 1;

pub(crate) async fn show(visit: Visit) -> Result<Response, Problem> {
    let pages = &visit.pages;
    let everything = RunFilter::default();
    // None of them waits for another.
    let (agents, today, latest, health, events, incidents) = tokio::try_join!(
        pages.ask(visit.queries.agents(visit.team())),
        visit.sums_of_today(),
        visit.runs(&everything, None, LATEST),
        visit.health_with_slots(),
        pages.ask(visit.queries.usage(visit.team(), Month::of(visit.now))),
        troubles::open_incidents(&visit),
    )?;
    // An agent whose first run did not come is shown, even though there is no run.
    let open = health.as_ref().and_then(|health| health.team().number("incidents_open")).unwrap_or_default();
    if latest.runs.is_empty() && open == 0 {
        return Ok(start::waiting(&visit, None).live(LIVE_S).waiting().response(&visit));
    }
    let active = agents.iter().filter(|agent| !agent.is_archived()).count() as u64;
    let body = html! {
        h1 { "Overview" }
        @if let Some(health) = &health { (health.notes(&visit)) }
        (figures(&visit, &today, health.as_ref(), active, events))
        @if let Some(health) = &health {
            (troubles::agents(&visit, health))
            (incidents)
            (doubts(health, visit.now))
        }
        (troubles::runs(&visit, &today, &latest).await?)
        section aria-labelledby="latest" {
            h2 #latest { "Latest runs" }
            @if latest.runs.is_empty() {
                p.empty { "No run has arrived yet: " a href=(visit.at("/start")) { "what to send" } "." }
            } @else {
                (runs_table(&visit, &latest.runs[..latest.runs.len().min(ROWS)], "Latest runs", false, visit.now))
                p { a href=(visit.at("/runs")) { "All runs" } }
            }
        }
    };
    Ok(Page::new("Overview", Part::Overview, body).live(LIVE_S).response(&visit))
}

fn figures(visit: &Visit, today: &AgentSums, health: Option<&Health>, agents: u64, events: u64) -> Markup {
    let at_least = at_least(today.is_cut());
    let allowance = visit.viewer.plan.limits().events_per_month;
    html! {
        dl.figures {
            div { dt { "Agents" } dd { a href=(visit.at("/agents")) { (count(agents)) } } }
            @if let Some(health) = health { (health.figure(visit)) }
            div {
                dt { "Runs today" }
                dd { (at_least) (count(today.runs())) }
                dd.note { (counts(today)) }
            }
            div { dt { "Spent today" } dd { (at_least) a href=(visit.at("/spend")) { (usd(today.cost())) } } dd.note { "runs that began since midnight UTC" } }
            div {
                dt { "Events this month" }
                dd { a href=(visit.at("/quotas")) { (count(events)) } }
                @match allowance {
                    Some(allowance) => {
                        dd.note { "of " (count(allowance)) " in the plan" }
                        dd.note { (bar(permille(events, allowance), "")) }
                    }
                    None => dd.note { "no limit" },
                }
            }
        }
        @if today.is_cut() {
            p.hint { "Figures of today are of its latest " (counted(SUMMED_MAX as u64, "run")) "." }
        }
    }
}

/// How many of today's runs have each status, those that there are.
fn counts(today: &AgentSums) -> String {
    let counts = RunStatus::ALL.into_iter().map(|status| (today.with_status(status), status));
    let counts: Vec<String> =
        counts.filter(|(runs, _)| *runs > 0).map(|(runs, status)| format!("{} {status}", count(runs))).collect();
    if counts.is_empty() { "none so far".to_owned() } else { counts.join(", ") }
}
