//! Makes a ping token, and shows it: this once.

use axum::response::Response;
use maud::html;
use tidegate_agentping::{Credential, PingToken, TokenId};
use tidegate_agentping_ports::TokenRow;

use crate::form::Form;
use crate::layout::{Page, Part};
use crate::pages::start::ways;
use crate::problem::Problem;
use crate::visit::Visit;

/// `POST /teams/{team}/agents/{agent}/tokens`.
pub(crate) async fn make(visit: Visit, _: Form) -> Result<Response, Problem> {
    let agent = tidegate_agentping::Slug::sent(visit.agent()?.as_str())
        .map_err(|error| Problem::Declined(format!("the agent's name {error}")))?;
    let pages = &visit.pages;
    let team = visit.team();
    let token = PingToken::mint(team.region(), visit.now, &pages.ids.random());
    let id = TokenId::mint(team.region(), visit.now, &pages.ids.random());
    let row = TokenRow { id, team, agent: agent.clone(), created_at: visit.now, revoked_at: None, expires_at: None };
    pages.ask_registry(pages.registry.create_token(row, Credential::PingToken(token).hash())).await?;
    let body = html! {
        h1 { "A ping token for " (agent) }
        p.alert role="status" { "It is shown this once: only its hash is kept. Copy what you need now." }
        (ways(&visit, agent.as_str(), &token.expose()))
        dl.facts { div { dt { "Token's id" } dd { code { (id) } } } }
        p { a.button href=(crate::url::with_query(&visit.at("/start"), &[("agent", Some(agent.as_str()))])) { "Wait for its first ping" } }
    };
    Ok(Page::new(format!("Token of {agent}"), Part::Agents, body).response(&visit))
}
