//! How an agent is watched: its state, its schedule and slots, its incidents, and what changes them.

use maud::{Markup, html};
use serde_json::Value;
use tidegate_agentping::{RunId, Slug};

use crate::pages::agent::settings;
use crate::parts::control::{button, field, form, hours};
use crate::parts::health::{marks, state};
use crate::parts::incidents::incidents;
use crate::parts::time;
use crate::parts::value::Members;
use crate::problem::Problem;
use crate::url::{encoded, with_query};
use crate::visit::Visit;

/// Slots that are drawn.
const SLOTS: &str = "30";
/// Incidents that are listed.
const INCIDENTS: &str = "10";

/// What the API says of an agent; members that it does not have stay empty.
pub(super) struct Watched {
    agent: Value,
    schedule: Option<Value>,
    preview: Option<Value>,
    slots: Option<Value>,
    incidents: Option<Value>,
    checks: Option<Value>,
}

impl Watched {
    /// # Errors
    /// The API refuses.
    pub async fn of(visit: &Visit, slug: &Slug) -> Result<Self, Problem> {
        let path = format!("/v1/agents/{}", encoded(slug.as_str()));
        let slots = with_query(&format!("{path}/slots"), &[("limit", Some(SLOTS))]);
        let incidents = [("agent", Some(slug.as_str())), ("limit", Some(INCIDENTS))];
        let incidents = with_query("/v1/incidents", &incidents);
        let schedule = format!("{path}/schedule");
        let checks = format!("{path}/checks");
        let (agent, (schedule, preview), slots, incidents, checks) = tokio::try_join!(
            visit.look(&path),
            scheduled(visit, &schedule),
            visit.look(&slots),
            visit.look(&incidents),
            visit.look(&checks),
        )?;
        Ok(Watched { agent: agent.unwrap_or_default(), schedule, preview, slots, incidents, checks })
    }

    /// The state, a pause and a mute as marks.
    pub fn mark(&self) -> Markup {
        html! {
            @if !self.agent.text("state").is_empty() { " " (state(self.agent.text("state"))) }
            (marks(&self.agent))
        }
    }

    pub fn description(&self) -> Markup {
        let tags = self.agent.rows("tags").iter().filter_map(Value::as_str);
        html! {
            @if !self.agent.text("description").is_empty() { p.lead { (self.agent.text("description")) } }
            @for tag in tags { span.tag { (tag) } " " }
        }
    }

    /// All of it.
    pub fn sections(&self, visit: &Visit, slug: &Slug) -> Markup {
        html! {
            (self.schedule_section(visit, slug))
            @if let Some(found) = &self.incidents {
                section aria-labelledby="incidents" {
                    h2 #incidents { "Incidents" }
                    @if found.rows("incidents").is_empty() { p.empty { "None." } }
                    @else { (incidents(visit, "Incidents", found.rows("incidents"))) }
                    @if !found.text("next_cursor").is_empty() {
                        @let all = with_query(&visit.at("/alerts"), &[("agent", Some(slug.as_str()))]);
                        p { a href=(all) { "All its incidents" } }
                    }
                }
            }
            @if let Some(found) = &self.checks { (checks(visit, slug, found.rows("checks"))) }
            (self.quiet(visit, slug))
        }
    }

    /// The forms of what else is set of it.
    pub fn settings(&self, visit: &Visit, slug: &Slug) -> Markup {
        settings::settings(visit, slug, &self.agent)
    }

    fn schedule_section(&self, visit: &Visit, slug: &Slug) -> Markup {
        let path = format!("/agents/{}", encoded(slug.as_str()));
        let value = |name: &str| self.schedule.as_ref().map(|schedule| schedule.shown(name)).unwrap_or_default();
        html! {
            section aria-labelledby="schedule" {
                h2 #schedule { "Schedule" }
                @match &self.schedule {
                    None => p.empty { "No runs are expected of it. A schedule says when they are, and a missed one opens an incident." },
                    Some(schedule) => {
                        dl.facts {
                            @if !schedule.text("cron").is_empty() { div { dt { "Cron" } dd { code { (schedule.text("cron")) } } } }
                            @if let Some(every) = schedule.number("every_s") { div { dt { "Every" } dd { (time::span(every.saturating_mul(1_000))) } } }
                            div { dt { "Time zone" } dd { (schedule.text("timezone")) } }
                            div { dt { "Tolerance" } dd { (time::span(schedule.number("tolerance_s").unwrap_or(0).saturating_mul(1_000))) } }
                            @if let Some(most) = schedule.number("max_runtime_s") { div { dt { "Stuck after" } dd { (time::span(most.saturating_mul(1_000))) } } }
                            @if schedule.get("enabled").and_then(Value::as_bool) == Some(false) { div { dt { "State" } dd { "off" } } }
                        }
                    }
                }
                (self.slot_ticks(visit))
                (self.next())
                @if visit.viewer.may_change {
                    details {
                        summary { @if self.schedule.is_some() { "Change the schedule" } @else { "Set a schedule" } }
                        (form(visit, &format!("{path}/schedule"), "Set", html! {
                            div.filters {
                                (field("cron", "cron", "Cron, five fields", &value("cron")))
                                (field("every_s", "every_s", "or every … seconds", &value("every_s")))
                                (field("timezone", "timezone", "Time zone", &value("timezone")))
                                (field("tolerance_s", "tolerance_s", "Tolerance in seconds", &value("tolerance_s")))
                                (field("max_runtime_s", "max_runtime_s", "Stuck after seconds", &value("max_runtime_s")))
                            }
                        }))
                        @if self.schedule.is_some() { (button(visit, &format!("{path}/unschedule"), "Remove the schedule")) }
                    }
                }
            }
        }
    }

    /// The last slots, oldest first: a tick each, with its time and outcome.
    fn slot_ticks(&self, visit: &Visit) -> Markup {
        let slots = self.slots.as_ref().map_or(&[][..], |slots| slots.rows("slots"));
        html! {
            @if !slots.is_empty() {
                h3 { "The last " (slots.len()) " slots" }
                ol.slots {
                    @for slot in slots.iter().rev() {
                        @let (at, outcome, reason) = (slot.text("at"), slot.text("outcome"), slot.text("reason"));
                        li class=(outcome) title={ (at) ": " (outcome) @if !reason.is_empty() { " (" (reason) ")" } } {
                            @match RunId::parse(slot.text("run_id")) {
                                Ok(run) => a href=(visit.run_url(run)) { span.unseen { (at) ": " (outcome) } },
                                Err(_) => span.unseen { (at) ": " (outcome) " " (reason) },
                            }
                        }
                    }
                }
            }
        }
    }

    /// The next slots, in UTC and in the schedule's zone.
    fn next(&self) -> Markup {
        let slots = self.preview.as_ref().map_or(&[][..], |preview| preview.rows("slots"));
        html! {
            @if !slots.is_empty() {
                div.scroll tabindex="0" role="group" aria-label="Next slots" {
                    table {
                        thead { tr { th scope="col" { "Next slots" } th scope="col" { "In the schedule's zone" } th scope="col" { "Missed after" } } }
                        tbody {
                            @for slot in slots {
                                tr {
                                    td { @if let Some(at) = slot.instant("at") { (time::stamped(at)) } }
                                    td { (slot.text("local")) }
                                    td { @if let Some(at) = slot.instant("deadline") { (time::stamped(at)) } }
                                }
                            }
                        }
                    }
                }
            }
        }
    }

    fn quiet(&self, visit: &Visit, slug: &Slug) -> Markup {
        let path = format!("/agents/{}", encoded(slug.as_str()));
        html! {
            @if visit.viewer.may_change {
                section aria-labelledby="quiet" {
                    h2 #quiet { "Pause and mute" }
                    @if self.agent.flag("paused") {
                        p { "Paused: guard blocks its next start, and slots are skipped. What it reports is still taken in." }
                        (button(visit, &format!("{path}/resume"), "Resume"))
                    } @else {
                        (form(visit, &format!("{path}/pause"), "Pause", field("note", "note", "Note", "")))
                    }
                    @if self.agent.flag("muted") {
                        p { "Muted: incidents are recorded, and nothing is sent." }
                        (button(visit, &format!("{path}/unmute"), "Unmute"))
                    } @else {
                        (form(visit, &format!("{path}/mute"), "Mute", html! { (hours("hours")) (field("reason", "reason", "Reason", "")) }))
                    }
                }
            }
        }
    }
}

/// The schedule, and its next slots.
async fn scheduled(visit: &Visit, path: &str) -> Result<(Option<Value>, Option<Value>), Problem> {
    let schedule = visit.look(path).await?;
    let preview = match &schedule {
        Some(schedule) => upcoming(visit, schedule).await,
        None => None,
    };
    Ok((schedule, preview))
}

/// The next slots of a schedule as it is stored; none where it cannot be asked for.
async fn upcoming(visit: &Visit, schedule: &Value) -> Option<Value> {
    const DEFINITION: [&str; 4] = ["cron", "every_s", "timezone", "tolerance_s"];
    let members = schedule.as_object()?.iter().filter(|(name, _)| DEFINITION.contains(&name.as_str()));
    let definition: Value = members.map(|(name, value)| (name.clone(), value.clone())).collect();
    let asked = serde_json::json!({ "schedule": definition, "after": visit.now.to_string(), "count": 5 });
    visit.send(http::Method::POST, "/v1/schedules/preview", Some(&asked)).await.ok()
}

/// The checks of its finished runs: the members of each, whatever its type.
fn checks(visit: &Visit, slug: &Slug, rows: &[Value]) -> Markup {
    const COMMON: [&str; 9] =
        ["id", "name", "type", "agent", "enabled", "version", "when", "alert_after", "created_at"];
    let asked = |check: &Value| -> Vec<(String, String)> {
        let members = check.as_object().into_iter().flatten();
        members
            .filter(|(name, _)| !COMMON.contains(&name.as_str()))
            .map(|(name, _)| (name.clone(), check.shown(name)))
            .collect()
    };
    html! {
        section aria-labelledby="checks" {
            h2 #checks { "Checks" }
            @if rows.is_empty() { p.empty { "None: what its runs put out is not checked." } } @else {
                div.scroll tabindex="0" role="group" aria-label="Checks" {
                    table {
                        thead { tr { th scope="col" { "Name" } th scope="col" { "Type" } th scope="col" { "Asks for" } th scope="col" { "Id" } @if visit.viewer.may_change { th scope="col" { span.unseen { "Delete" } } } } }
                        tbody {
                            @for check in rows {
                                tr {
                                    th scope="row" { (check.text("name")) @if check.get("enabled").and_then(Value::as_bool) == Some(false) { " " span.tag { "off" } } }
                                    td { (check.text("type")) }
                                    td.text { @for (name, value) in asked(check) { span { (name) " " (value) } " " } }
                                    td { code.id { (check.text("id")) } }
                                    @if visit.viewer.may_change { td { (settings::delete_check(visit, slug, check.text("id"))) } }
                                }
                            }
                        }
                    }
                }
            }
            (settings::new_check(visit, slug))
        }
    }
}
