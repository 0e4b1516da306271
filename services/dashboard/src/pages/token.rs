//! Makes a ping token or another in its place, and shows it: this once. Or revokes one.

use axum::response::Response;
use http::Method;
use maud::html;
use serde_json::{Value, json};
use tidegate_agentping::Slug;

use crate::form::Form;
use crate::layout::{Page, Part};
use crate::parts::code::code;
use crate::problem::Problem;
use crate::sign_in::to;
use crate::url::{encoded, with_query};
use crate::visit::Visit;

/// `POST /teams/{team}/agents/{agent}/tokens`. An agent that is new is made with it.
pub(crate) async fn make(visit: Visit, _: Form) -> Result<Response, Problem> {
    let agent = visit.agent()?;
    let path = format!("/v1/agents/{}/tokens", encoded(agent.as_str()));
    let made = match visit.send(Method::POST, &path, None).await {
        Err(Problem::NotFound) => {
            visit.send(Method::POST, "/v1/agents", Some(&json!({ "agent": agent }))).await?;
            visit.send(Method::POST, &path, None).await?
        }
        made => made?,
    };
    Ok(shown(&visit, &agent, &made))
}

/// `POST …/tokens/{id}/rotate`: another token, and the old one works for a day.
pub(crate) async fn rotate(visit: Visit, _: Form) -> Result<Response, Problem> {
    let agent = visit.agent()?;
    let path = format!("/v1/agents/{}/tokens/{}/rotate", encoded(agent.as_str()), encoded(visit.segment("id")?));
    let made = visit.send(Method::POST, &path, None).await?;
    Ok(shown(&visit, &agent, &made))
}

/// `POST …/tokens/{id}/revoke`.
pub(crate) async fn revoke(visit: Visit, _: Form) -> Result<Response, Problem> {
    let agent = visit.agent()?;
    let path = format!("/v1/agents/{}/tokens/{}", encoded(agent.as_str()), encoded(visit.segment("id")?));
    visit.send(Method::DELETE, &path, None).await?;
    Ok(to(&visit.agent_url(agent.as_str())))
}

/// The page with a new token.
fn shown(visit: &Visit, agent: &Slug, made: &Value) -> Response {
    let text = |name: &str| made.get(name).and_then(Value::as_str).unwrap_or_default();
    let body = html! {
        h1 { "A ping token for " (agent) }
        p.alert role="status" { "It is shown this once: only its hash is kept. Copy what you need now." }
        (code("A ping, from anywhere", text("curl")))
        (code("The same with the token in a header", text("curl_header")))
        (code("After a job, as a line of a crontab", text("cron")))
        dl.facts { div { dt { "Token's id" } dd { code { (text("id")) } } } }
        p { a.button href=(with_query(&visit.at("/start"), &[("agent", Some(agent.as_str()))])) { "Wait for its first ping" } }
    };
    Page::new(format!("Token of {agent}"), Part::Agents, body).response(visit)
}
