//! `/v1/agents`: the team's agents, and what is set of each.

mod moves;
pub(crate) mod one;
pub(crate) mod rename;
mod view;

use std::collections::HashMap;
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::response::Response;
use serde::Serialize;
use tidegate_agentping::Slug;
use tidegate_agentping_ports::AgentRow;
use tidegate_agentping_settings::TeamSettings;
use tidegate_kernel::Month;
use utoipa::ToSchema;

use crate::call::{Call, framed_managed};
use crate::endpoint::Endpoint;
use crate::manage::{NamePage, PAGE_PARAMETERS, page_of};
use crate::problem::Problem;
use crate::reads::Reads;
use crate::refusal_shapes::{ManagedRefusals, Refusals};
use crate::standing::Standings;
use crate::weight::Weight;

pub(crate) use view::AgentView;

const LIST: &[&str] = &["agents"];

/// A page of the team's agents.
#[derive(Serialize, ToSchema)]
pub(crate) struct AgentList {
    /// By slug.
    agents: Vec<AgentView>,
    /// Send it as `cursor` for the next page; null at the end.
    #[schema(required = true)]
    next_cursor: Option<String>,
}

/// The agents of the team, by slug.
#[utoipa::path(
    get,
    path = "/v1/agents",
    operation_id = "list_agents",
    tag = "agents",
    params(
        ("limit" = inline(Option<u32>), Query, description = "At most so many; 200 if absent.", minimum = 1, maximum = 200),
        ("cursor" = inline(Option<String>), Query, description = "The `next_cursor` of the page before."),
    ),
    responses((status = 200, description = "A page of agents.", body = AgentList), Refusals, ManagedRefusals),
    security(("bearer" = []), ("key_header" = [])),
)]
pub(crate) async fn list(State(reads): State<Arc<Reads>>, request: Request) -> Response {
    framed_managed(reads, Endpoint::Agents, request, page).await
}

async fn page(call: Call) -> Result<Response, Problem> {
    let page = NamePage::read_long(&call.parameters(PAGE_PARAMETERS)?, LIST)?;
    let settings = call.settings();
    let Call { reads, reader, queries, .. } = call;
    let permit = reads.permit(Weight::Rows).await?;
    let now = reads.now();
    let rows = reads.ask(queries.agents(reader.team));
    let repeats = reads.ask(queries.repeats(reader.team, Month::of(now)));
    let standings = reads.ask(Standings::of_team(&*reads.managed.rows, reader.team));
    let (rows, repeats, standings) = tokio::try_join!(rows, repeats, standings)?;
    let repeats: HashMap<Slug, u64> = repeats.into_iter().map(|of_agent| (of_agent.agent, of_agent.times)).collect();
    let is_asked = |row: &AgentRow| {
        is_there(row, &settings) && page.after.as_deref().is_none_or(|after| row.slug.as_str() > after)
    };
    let found: Vec<AgentRow> = rows.into_iter().filter(is_asked).take(page.limit + 1).collect();
    let (rows, next_cursor) = page_of(found, &page, LIST, |row| row.slug.to_string());
    let view = |row: &AgentRow| {
        let mut view = AgentView::in_settings(row, &settings, &standings, now);
        view.repeats_this_month = repeats.get(&row.slug).copied();
        view
    };
    let agents = rows.iter().map(view).collect();
    Ok(permit.json(&AgentList { agents, next_cursor })?)
}

/// What is stored of how the agent stands.
///
/// # Errors
/// The store's.
pub(crate) async fn judged(call: &Call, row: &AgentRow) -> Result<Standings, Problem> {
    let settings = call.settings();
    let key = settings.names.key(&row.slug);
    call.reads.ask(Standings::of_agent(&*call.reads.managed.rows, call.reader.team, key, &settings)).await
}

/// Whether the agent was not deleted, or has reported since.
pub(crate) fn is_there(row: &AgentRow, settings: &TeamSettings) -> bool {
    settings.agents.get(&row.slug).is_none_or(|set| set.is_there(row.last_seen))
}

/// The team's agent of that name.
///
/// # Errors
/// [`Problem::Unknown`]; the store's.
pub(crate) async fn known(call: &Call, name: Option<&str>) -> Result<AgentRow, Problem> {
    let unknown = || Problem::Unknown { what: "agent", name: name.unwrap_or("?").to_owned() };
    let slug = name.and_then(|name| Slug::parse(name).ok()).ok_or_else(unknown)?;
    let rows = call.reads.ask(call.queries.agents(call.reader.team)).await?;
    let row = rows.into_iter().find(|row| row.slug == slug);
    row.filter(|row| is_there(row, &call.settings())).ok_or_else(unknown)
}
