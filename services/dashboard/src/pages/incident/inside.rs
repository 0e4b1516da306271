//! The slots and runs of an incident: those in it, the one that opened it, and the one that resolved it.

use maud::{Markup, html};
use serde_json::Value;
use tidegate_agentping::{RunId, RunStatus, Slug};
use tidegate_agentping_ports::RunFilter;

use super::run_link;
use crate::parts::runs_table::runs_table;
use crate::parts::ticks::{why, word};
use crate::parts::time;
use crate::parts::value::Members;
use crate::problem::Problem;
use crate::url::{encoded, with_query};
use crate::visit::Visit;
use crate::walk::SeenRun;

/// Slots that are looked at, the newest ones.
const SLOTS: &str = "200";
/// Slots that are shown.
const SLOTS_SHOWN: usize = 50;
/// Runs among which those that failed are looked for.
const RUNS: usize = 200;
/// Runs that are shown.
const RUNS_SHOWN: usize = 25;

/// What is known of them.
pub(super) struct Inside {
    /// The agent's slots from the one that opened the incident to its end, newest first.
    slots: Vec<Value>,
    /// Newest first.
    runs: Vec<SeenRun>,
    /// The slot that resolved it.
    last_slot: Option<Value>,
    /// The run that resolved it.
    resolver: Option<SeenRun>,
    /// There may be more than were looked at.
    more: bool,
}

impl Inside {
    /// # Errors
    /// The API refuses, or the store does not answer.
    pub async fn of(visit: &Visit, incident: &Value) -> Result<Self, Problem> {
        let (slots, (runs, more)) = tokio::try_join!(slots(visit, incident), runs(visit, incident))?;
        let by_slot = incident.instant("resolved_by_slot");
        let last_slot = slots.iter().find(|slot| by_slot.is_some() && slot.instant("at") == by_slot).cloned();
        let run = last_slot.as_ref().map_or(incident.text("resolved_by_run_id"), |slot| slot.text("run_id"));
        let resolver = match RunId::parse(run) {
            Ok(run) => visit.seen(run).await?,
            Err(_) => None,
        };
        let is_in_it = |slot: &Value| slot.text("incident_id") == incident.text("id");
        let more = more || slots.len() >= SLOTS.parse().unwrap_or(usize::MAX);
        Ok(Inside { slots: slots.into_iter().filter(is_in_it).collect(), runs, last_slot, resolver, more })
    }

    /// The slots in it, newest first.
    pub fn slots(&self) -> &[Value] {
        &self.slots
    }

    /// What opened the incident.
    pub fn cause(&self, visit: &Visit, incident: &Value) -> Markup {
        let (run, child) = (incident.text("run_id"), incident.text("child_run_id"));
        html! {
            p {
                @if let Some(slot) = incident.instant("slot") { "The slot of " (time::stamped(slot)) ", which no run came for in time." }
                @else if !child.is_empty() { "The run " (run_link(visit, child)) ", below the run " (run_link(visit, run)) " of the agent." }
                @else if !run.is_empty() { "The run " (run_link(visit, run)) "." }
                @else { "What opened it is not known." }
            }
        }
    }

    /// What resolved it.
    pub fn end(&self, visit: &Visit, incident: &Value) -> Markup {
        let slot = incident.instant("resolved_by_slot");
        html! {
            @match (slot, &self.last_slot) {
                (Some(at), Some(slot)) => p { "The slot of " (time::stamped(at)) ": " (word(slot.text("outcome"))) "." },
                (Some(at), None) => p { "Of " (time::stamped(at)) " no slot is there: the schedule was removed then, or the slot is not kept any more." },
                (None, _) => {}
            }
            @match &self.resolver {
                Some(run) => (runs_table(visit, std::slice::from_ref(run), "The run that resolved it", true, visit.now)),
                None if !incident.text("resolved_by_run_id").is_empty() => p { "The run " (run_link(visit, incident.text("resolved_by_run_id"))) "." },
                None if slot.is_none() => p.empty { "Which run resolved it was not kept." },
                None => {}
            }
        }
    }

    /// The slots and the runs in it.
    pub fn sections(&self, visit: &Visit, incident: &Value) -> Markup {
        let failed = incident.text("kind") == "run_failed" && incident.text("child_run_id").is_empty();
        let title = if failed { "Runs that failed meanwhile" } else { "The run" };
        html! {
            @if !self.slots.is_empty() {
                section aria-labelledby="slots" {
                    h2 #slots { "Slots in it" }
                    (slots_table(visit, &self.slots[..self.slots.len().min(SLOTS_SHOWN)]))
                }
            }
            @if !self.runs.is_empty() {
                section aria-labelledby="runs" {
                    h2 #runs { (title) }
                    (runs_table(visit, &self.runs[..self.runs.len().min(RUNS_SHOWN)], title, false, visit.now))
                }
            }
            @if self.more || self.slots.len() > SLOTS_SHOWN || self.runs.len() > RUNS_SHOWN { p.hint { "The latest ones are shown." } }
        }
    }
}

/// The agent's slots while it was open. They are kept for 30 days.
async fn slots(visit: &Visit, incident: &Value) -> Result<Vec<Value>, Problem> {
    let Some(first) = incident.instant("slot") else { return Ok(Vec::new()) };
    let last = incident.instant("resolved_at").unwrap_or(visit.now).max(first);
    // A run may come before its slot.
    let last = incident.instant("resolved_by_slot").map_or(last, |slot| last.max(slot));
    let (first, last) = (first.to_string(), last.to_string());
    let path = format!("/v1/agents/{}/slots", encoded(incident.text("agent")));
    let asked = [("from", Some(first.as_str())), ("to", Some(last.as_str())), ("limit", Some(SLOTS))];
    let found = visit.look(&with_query(&path, &asked)).await?.unwrap_or_default();
    Ok(found.rows("slots").to_vec())
}

/// The runs in it, newest first: of failures, those that failed while it was open; else those that opened it. And whether
/// there may be more.
async fn runs(visit: &Visit, incident: &Value) -> Result<(Vec<SeenRun>, bool), Problem> {
    let Ok(first) = RunId::parse(incident.text("run_id")) else { return Ok((Vec::new(), false)) };
    let opener = visit.seen(first).await?;
    if let Ok(child) = RunId::parse(incident.text("child_run_id")) {
        return Ok((visit.seen(child).await?.into_iter().chain(opener).collect(), false));
    }
    let (Some(opener), "run_failed") = (&opener, incident.text("kind")) else {
        return Ok((opener.into_iter().collect(), false));
    };
    let to = incident.instant("resolved_at").unwrap_or(visit.now).max(opener.listed_at);
    let filter = RunFilter {
        agent: Slug::parse(incident.text("agent")).ok(),
        from: Some(opener.listed_at),
        to: Some(to.plus_millis(1)),
        ..RunFilter::default()
    };
    let mut walk = visit.walk(&filter, RUNS).await?;
    walk.runs.retain(|run| matches!(run.status, RunStatus::Failed | RunStatus::Timeout));
    Ok((walk.runs, walk.more))
}

fn slots_table(visit: &Visit, slots: &[Value]) -> Markup {
    html! {
        div.scroll tabindex="0" role="group" aria-label="Slots in it" {
            table {
                thead { tr { th scope="col" { "Slot" } th scope="col" { "Missed after" } th scope="col" { "Outcome" } th scope="col" { "Run" } } }
                tbody {
                    @for slot in slots {
                        tr {
                            td { @if let Some(at) = slot.instant("at") { (time::stamped(at)) } }
                            td { @if let Some(at) = slot.instant("deadline") { (time::stamped(at)) } }
                            td { (word(slot.text("outcome"))) @if !slot.text("reason").is_empty() { " (" (why(slot.text("reason"))) ")" } }
                            td { (run_link(visit, slot.text("run_id"))) }
                        }
                    }
                }
            }
        }
    }
}
