//! `GET /v1/tokens`: the ping tokens of all agents of a team that work.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::response::Response;
use serde::Serialize;
use tidegate_agentping::Slug;
use tidegate_agentping_ports::TokenRow;
use utoipa::ToSchema;

use super::noted::Noted;
use super::{TokenView, working_of_team};
use crate::call::{Call, framed_managed};
use crate::endpoint::Endpoint;
use crate::manage::{NamePage, PAGE_PARAMETERS, page_of_newest};
use crate::problem::Problem;
use crate::reads::Reads;
use crate::refusal_shapes::{ManagedRefusals, Refusals};
use crate::weight::Weight;

const LIST: &[&str] = &["tokens of all"];

/// A page of the team's ping tokens: those that work.
#[derive(Serialize, ToSchema)]
pub(crate) struct TeamTokenList {
    /// Newest first.
    tokens: Vec<TeamTokenView>,
    /// Send it as `cursor` for the next page; null at the end.
    #[schema(required = true)]
    next_cursor: Option<String>,
}

/// A ping token with its agent.
#[derive(Serialize, ToSchema)]
struct TeamTokenView {
    /// The agent that it may report for.
    #[schema(value_type = String)]
    agent: Slug,
    #[serde(flatten)]
    token: TokenView,
}

/// The ping tokens of all agents that work, newest first. No secrets.
#[utoipa::path(
    get,
    path = "/v1/tokens",
    operation_id = "list_team_tokens",
    tag = "tokens",
    params(
        ("limit" = inline(Option<u32>), Query, description = "At most so many; 50 if absent.", minimum = 1, maximum = 200),
        ("cursor" = inline(Option<String>), Query, description = "The `next_cursor` of the page before."),
    ),
    responses((status = 200, description = "A page of tokens.", body = TeamTokenList), Refusals, ManagedRefusals),
    security(("bearer" = []), ("key_header" = [])),
)]
pub(crate) async fn list(State(reads): State<Arc<Reads>>, request: Request) -> Response {
    framed_managed(reads, Endpoint::TeamTokens, request, page).await
}

async fn page(call: Call) -> Result<Response, Problem> {
    let page = NamePage::read(&call.parameters(PAGE_PARAMETERS)?, LIST)?;
    let permit = call.reads.permit(Weight::Rows).await?;
    let rows = working_of_team(&call).await?;
    let (rows, next_cursor) = page_of_newest(rows, &page, LIST, |row| (row.created_at, row.id));
    let noted = Noted::of(&call, &rows).await?;
    let view = |row: TokenRow| TeamTokenView { token: noted.view(&row), agent: row.agent };
    Ok(permit.json(&TeamTokenList { tokens: rows.into_iter().map(view).collect(), next_cursor })?)
}
