//! The first steps: what to send, from where, and a page that waits for it.

use axum::response::Response;
use maud::{Markup, html};
use tidegate_agentping::Slug;
use tidegate_agentping_ports::RunFilter;

use crate::layout::{Page, Part};
use crate::pages::ways::{Reporter, ways};
use crate::parts::code::quoted;
use crate::problem::Problem;
use crate::sign_in::to;
use crate::visit::Visit;

/// Stands where a secret belongs that only its maker has seen.
pub(crate) const PLACEHOLDER: &str = "PING_TOKEN";
/// The agent of the examples.
const EXAMPLE: &str = "nightly-report";
/// A run is on the page within a second (AC-73).
const LIVE_S: u32 = 1;

/// `/start`: turns into the first run once there is one.
pub(crate) async fn show(visit: Visit) -> Result<Response, Problem> {
    let agent = visit.parsed("agent", "be 1 to 128 characters of printable text", |text| Slug::parse(text).ok())?;
    let filter = RunFilter { agent: agent.clone(), ..RunFilter::default() };
    match visit.runs(&filter, None, 1).await?.runs.first() {
        Some(run) => Ok(to(&visit.run_url(run.id))),
        None => Ok(waiting(&visit, agent.as_ref().map(Slug::as_str)).live(LIVE_S).waiting().response(&visit)),
    }
}

/// The page of a team, or of an agent, that has no run yet.
pub(crate) fn waiting(visit: &Visit, agent: Option<&str>) -> Page {
    let body = html! {
        h1 { "Waiting for the first ping" }
        p.lead {
            "Nothing has arrived yet. Send one of these from where the agent runs; this page shows the run as soon as it is here."
            " " span.pulse aria-hidden="true" { "●" }
        }
        @if visit.viewer.may_change {
            p { "First make a ping token: the commands are then complete." }
            (token_form(visit, agent.unwrap_or(EXAMPLE)))
        }
        (ways(visit, &Reporter::of(agent.unwrap_or(EXAMPLE), PLACEHOLDER)))
        p.hint {
            code { (PLACEHOLDER) } " stands for a ping token of the agent, which may report for this one agent and read nothing. "
            "It is shown once, when it is made: on the agent's page, or by "
            code { "tidegate tokens create --team " (quoted(&visit.viewer.team.name)) " --agent " (quoted(agent.unwrap_or(EXAMPLE))) } "."
        }
    };
    Page::new("Waiting for the first ping", Part::Overview, body)
}

/// A form that makes a ping token for an agent.
pub(crate) fn token_form(visit: &Visit, agent: &str) -> Markup {
    html! {
        form.inline method="post" action=(format!("{}/tokens", visit.agent_url(agent))) {
            input type="hidden" name="csrf" value=(visit.form_code());
            button type="submit" { "Make a ping token for " (agent) }
        }
    }
}
