//! Alerts: incidents, open ones first; of all agents, or of the one that the query names.

use axum::response::Response;
use maud::{Markup, html};
use serde_json::Value;

use crate::layout::{Page, Part};
use crate::parts::incidents::incidents;
use crate::parts::pager::{BY_TIME, List, pager};
use crate::parts::quiet::{self, Quiet};
use crate::parts::value::Members;
use crate::problem::Problem;
use crate::url::with_query;
use crate::visit::Visit;

const PAGE: &str = "50";
const LIVE_S: u32 = 5;

/// Incidents of one status.
struct Section {
    status: &'static str,
    title: &'static str,
    /// What is said where there are none.
    none: &'static str,
    /// The name of its table, and of the links between its pages.
    table: &'static str,
    pages: &'static str,
    parameter: &'static str,
}

const OPEN: Section = Section {
    status: "open",
    title: "Open",
    none: "No incident is open. One opens when a run of a schedule is missed, when a run fails or is stuck, and when a \
           check fails.",
    table: "Open incidents",
    pages: "Pages of open incidents",
    parameter: "open_after",
};
const RESOLVED: Section = Section {
    status: "resolved",
    title: "Resolved",
    none: "None so far.",
    table: "Resolved incidents",
    pages: "Pages of resolved incidents",
    parameter: "after",
};

pub(crate) async fn show(visit: Visit) -> Result<Response, Problem> {
    let agent = visit.query("agent");
    let agent = agent.as_deref();
    let ask = |section: &Section| {
        let cursor = visit.query(section.parameter);
        let query = [("status", Some(section.status)), ("agent", agent), ("limit", Some(PAGE))];
        with_query("/v1/incidents", &[&query[..], &[("cursor", cursor.as_deref())]].concat())
    };
    let (open, resolved) = (ask(&OPEN), ask(&RESOLVED));
    let (health, open, resolved) = tokio::try_join!(visit.health(), visit.look(&open), visit.look(&resolved))?;
    let body = html! {
        h1 { "Alerts" }
        @if let Some(health) = &health { (health.notes(&visit)) }
        @if let Some(agent) = agent {
            p.lead {
                "Incidents of " a href=(visit.agent_url(agent)) { (agent) } ". "
                a href=(visit.at("/alerts")) { "Those of all agents" }
            }
        }
        @match (&open, &resolved) {
            (None, _) | (_, None) => p.empty { "This server watches no agents." },
            (Some(open), Some(resolved)) => {
                (section(&visit, &OPEN, agent, open))
                (section(&visit, &RESOLVED, agent, resolved))
            }
        }
        @if let Some(health) = &health { (quiet::agents(&visit, health, Quiet::Muted)) }
        p.hint {
            "Where messages go: " a href=(visit.at("/routes")) { "routes" }
            ". Mute an agent on its page, and the team under " a href=(visit.at("/guard")) { "guard" } "."
        }
    };
    let shown = Page::new("Alerts", Part::Alerts, body);
    let is_first = [OPEN, RESOLVED].iter().all(|section| visit.query(section.parameter).is_none());
    Ok(if is_first { shown.live(LIVE_S) } else { shown }.response(&visit))
}

fn section(visit: &Visit, section: &Section, agent: Option<&str>, found: &Value) -> Markup {
    let Section { status, title, none, table, pages, parameter } = *section;
    let kept = [("agent", agent)];
    let list = List { name: pages, path: "/alerts", heading: status, kept: &kept, parameter, links: BY_TIME };
    html! {
        section aria-labelledby=(status) {
            h2 id=(status) { (title) }
            @if found.rows("incidents").is_empty() { p.empty { (none) } }
            @else { (incidents(visit, table, found.rows("incidents"))) }
            (pager(visit, &list, found))
        }
    }
}
