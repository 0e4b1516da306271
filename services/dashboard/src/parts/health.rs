//! How the team's agents stand, as `GET /v1/status` says it.

mod judged;

use std::collections::HashMap;

use maud::{Markup, html};
use serde::Deserialize;
use serde_json::Value;

use crate::parts::amount::count;
use crate::parts::time;
use crate::parts::value::Members;
use crate::problem::Problem;
use crate::url::with_query;
use crate::visit::Visit;

pub(crate) use judged::Judged;

/// Pages of the status that are read at most, of 1,000 agents each.
const PAGES_MAX: usize = 5;
/// The judge may be so far behind before a page says so.
const BEHIND_MS: u64 = 300_000;

/// The states, the gravest first.
pub(crate) const STATES: [&str; 7] = ["down", "unknown", "late", "running", "paused", "up", "new"];

/// The status of a team.
#[derive(Default)]
pub(crate) struct Health {
    team: Value,
    agents: HashMap<String, Judged>,
}

/// A page of the status.
#[derive(Deserialize)]
struct StatusPage {
    #[serde(default)]
    agents: Vec<Judged>,
    /// What is said of the team as a whole, and where the next page begins.
    #[serde(flatten)]
    team: Value,
}

impl Visit {
    /// The status; `None` where no schedules are judged.
    ///
    /// # Errors
    /// The API refuses.
    pub async fn health(&self) -> Result<Option<Health>, Problem> {
        self.health_with(None).await
    }

    /// The same with the last slots of each agent.
    ///
    /// # Errors
    /// The API refuses.
    pub async fn health_with_slots(&self) -> Result<Option<Health>, Problem> {
        self.health_with(Some("true")).await
    }

    async fn health_with(&self, recent_slots: Option<&str>) -> Result<Option<Health>, Problem> {
        let page_after = |cursor: Option<&str>| {
            with_query("/v1/status", &[("limit", Some("1000")), ("recent_slots", recent_slots), ("cursor", cursor)])
        };
        let Some(mut page) = self.read::<StatusPage>(&page_after(None)).await? else { return Ok(None) };
        let mut health = Health::default();
        for _ in 0..PAGES_MAX {
            let cursor = page.team.text("next_cursor").to_owned();
            health.agents.extend(page.agents.into_iter().map(|agent| (agent.text("agent").to_owned(), agent)));
            health.team = page.team;
            if cursor.is_empty() {
                break;
            }
            page = self.read(&page_after(Some(&cursor))).await?.ok_or(Problem::NotFound)?;
        }
        Ok(Some(health))
    }
}

impl Health {
    /// Of agents alone.
    #[cfg(test)]
    pub fn of(agents: impl IntoIterator<Item = Value>) -> Self {
        let judged = |agent: Value| serde_json::from_str::<Judged>(&agent.to_string()).unwrap_or_default();
        let agents = agents.into_iter().map(|agent| (agent.text("agent").to_owned(), judged(agent)));
        Health { agents: agents.collect(), ..Health::default() }
    }

    /// Whether it says anything of an agent.
    pub fn has(&self, slug: &str) -> bool {
        self.agents.contains_key(slug)
    }

    /// Whether it is of all agents of the team.
    pub fn is_whole(&self) -> bool {
        self.team.text("next_cursor").is_empty()
    }

    /// What is said of the team as a whole.
    pub const fn team(&self) -> &Value {
        &self.team
    }

    /// Takes out what is said of an agent; nothing where nothing is.
    pub fn take(&mut self, slug: &str) -> Judged {
        self.agents.remove(slug).unwrap_or_default()
    }

    /// All agents, without their slots.
    pub fn agents(&self) -> impl Iterator<Item = &Value> {
        self.agents.values().map(|agent| &**agent)
    }

    /// The slots of agents that have unknown ones.
    pub fn doubted_slots(&self) -> impl Iterator<Item = Value> {
        self.agents.values().filter(|agent| agent.has_unknown_slots()).flat_map(Judged::slots)
    }

    /// How many agents are in each state that there is one in, the gravest first.
    pub fn counts(&self) -> Vec<(&'static str, u64)> {
        let of = |state: &&str| self.agents.values().filter(|agent| agent.text("state") == *state).count() as u64;
        STATES.into_iter().map(|state| (state, of(&state))).filter(|(_, agents)| *agents > 0).collect()
    }

    /// What a reader must know: pauses, mutes, a judge that is behind, open incidents.
    pub fn notes(&self, visit: &Visit) -> Markup {
        let judged = self.team.instant("judged_until");
        let open = self.team.number("incidents_open").unwrap_or(0);
        html! {
            @if self.team.flag("paused") { p.alert role="note" { "The team is paused: guard blocks all its agents, and slots are skipped." } }
            @if self.team.flag("muted") { p.alert role="note" { "The team is muted: no messages are sent." } }
            @if open > 0 { p.alert.bad role="note" { a href=(visit.at("/alerts")) { (crate::parts::amount::counted(open, "open incident")) } } }
            @if let Some(judged) = judged {
                @if visit.now.millis_since(judged) > BEHIND_MS {
                    p.alert role="note" { "Schedules are judged up to " (time::exact(judged)) " (" (time::ago(judged, visit.now)) ")." }
                } @else {
                    p.hint { "Judged up to " (time::exact(judged)) "." }
                }
            }
        }
    }

    /// The counts as a figure.
    pub fn figure(&self, visit: &Visit) -> Markup {
        html! {
            div {
                dt { "States" }
                @let counts = self.counts();
                @if counts.is_empty() { dd { "–" } }
                @for (name, agents) in counts {
                    dd.note { a href=(with_query(&visit.at("/agents"), &[("state", Some(name))])) { (count(agents)) } " " (state(name)) }
                }
            }
        }
    }
}

/// The state of an agent as a mark.
pub(crate) fn state(state: &str) -> Markup {
    let (class, sign) = match state {
        "up" => ("success", "✓"),
        "down" => ("failed", "✕"),
        "late" => ("timeout", "◷"),
        "running" => ("running", "●"),
        "unknown" => ("timeout", "?"),
        _ => ("", "–"),
    };
    html! { span class={ "status " (class) } { span aria-hidden="true" { (sign) } " " (state) } }
}

/// Whether an agent is paused or muted, as marks.
pub(crate) fn marks(agent: &Value) -> Markup {
    html! {
        @if agent.flag("paused") && agent.text("state") != "paused" { " " span.tag { "paused" } }
        @if agent.flag("muted") { " " span.tag { "muted" } }
    }
}
