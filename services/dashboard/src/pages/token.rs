//! Makes a ping token or another in its place, and shows it: this once. Or revokes one.

use axum::response::Response;
use http::Method;
use maud::{Markup, html};
use serde_json::{Value, json};
use tidegate_agentping::Slug;
use tidegate_agentping_ports::RunFilter;

use crate::form::Form;
use crate::layout::{Page, Part};
use crate::pages::ways::{Reporter, ways};
use crate::parts::control::button;
use crate::parts::value::Members;
use crate::problem::Problem;
use crate::sign_in::to;
use crate::url::{encoded, with_query};
use crate::visit::Visit;

/// The last digits of a token in a list; a dash where they are not known.
pub(crate) fn last_digits(token: &Value) -> Markup {
    html! { @if token.text("last4").is_empty() { "–" } @else { "…" (token.text("last4")) } }
}

/// The cell of a list that replaces or revokes this agent's token; none for who may not.
pub(crate) fn changes(visit: &Visit, agent: &str, token: &Value) -> Markup {
    let own = format!("/agents/{}/tokens/{}", encoded(agent), encoded(token.text("id")));
    html! {
        @if visit.viewer.may_change {
            td.buttons {
                @if token.instant("expires_at").is_none() { (button(visit, &format!("{own}/rotate"), "Replace")) }
                (button(visit, &format!("{own}/revoke"), "Revoke"))
            }
        }
    }
}

/// `POST /teams/{team}/agents/{agent}/tokens`. An agent that is new is made with it.
pub(crate) async fn make(visit: Visit, _: Form) -> Result<Response, Problem> {
    let agent = visit.agent()?;
    made_for(&visit, &agent).await
}

/// Makes a token for an agent, which is made with it if it is new, and shows it.
///
/// # Errors
/// The API refuses.
pub(crate) async fn made_for(visit: &Visit, agent: &Slug) -> Result<Response, Problem> {
    let path = format!("/v1/agents/{}/tokens", encoded(agent.as_str()));
    let made = match visit.send(Method::POST, &path, None).await {
        Err(Problem::Unknown(_)) => {
            visit.send(Method::POST, "/v1/agents", Some(&json!({ "agent": agent }))).await?;
            visit.send(Method::POST, &path, None).await?
        }
        made => made?,
    };
    shown(visit, agent, &made).await
}

/// `POST …/tokens/{id}/rotate`: another token, and the old one works for a day.
pub(crate) async fn rotate(visit: Visit, _: Form) -> Result<Response, Problem> {
    let agent = visit.agent()?;
    let path = format!("/v1/agents/{}/tokens/{}/rotate", encoded(agent.as_str()), encoded(visit.segment("id")?));
    let made = visit.send(Method::POST, &path, None).await?;
    shown(&visit, &agent, &made).await
}

/// `POST …/tokens/{id}/revoke`.
pub(crate) async fn revoke(visit: Visit, _: Form) -> Result<Response, Problem> {
    let agent = visit.agent()?;
    let path = format!("/v1/agents/{}/tokens/{}", encoded(agent.as_str()), encoded(visit.segment("id")?));
    visit.send(Method::DELETE, &path, None).await?;
    Ok(to(&visit.agent_url(agent.as_str())))
}

/// The page with a new token. Where the agent has no run yet, it says when the first one is there; it stays, because the token
/// is shown on it alone.
async fn shown(visit: &Visit, agent: &Slug, made: &Value) -> Result<Response, Problem> {
    let filter = RunFilter { agent: Some(agent.clone()), ..RunFilter::default() };
    let is_new = visit.runs(&filter, None, 1).await?.runs.is_empty();
    let start = with_query(&visit.at("/start"), &[("agent", Some(agent.as_str()))]);
    let body = html! {
        h1 { "A ping token for " (agent) }
        p.alert role="status" { "It is shown this once: only its hash is kept. Copy what you need now." }
        dl.facts {
            div { dt { "Token's id" } dd { code { (made.text("id")) } } }
            div { dt { "Last digits" } dd { "…" (made.text("last4")) } }
        }
        @if is_new {
            p role="status" data-await=(start) data-arrived="Its first run is here" {
                "Waiting for its first ping. " a.button href=(start) { "Wait on a page of its own" } " " span.pulse aria-hidden="true" { "●" }
            }
        } @else {
            p { a.button href=(visit.agent_url(agent.as_str())) { "To the agent" } }
        }
        (ways(visit, &Reporter::with_new(agent.as_str(), made)))
    };
    Ok(Page::new(format!("Token of {agent}"), Part::Agents, body).response(visit))
}
