//! `GET /v1/agents`: the team's agents.

use std::collections::HashMap;
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::response::Response;
use serde::Serialize;
use tidegate_agentping::{AgentId, Slug};
use tidegate_agentping_ports::AgentRow;
use tidegate_kernel::timestamp::{iso, iso_option};
use tidegate_kernel::{Month, Timestamp};
use utoipa::ToSchema;

use crate::call::{Call, framed};
use crate::endpoint::Endpoint;
use crate::problem::Problem;
use crate::reads::Reads;
use crate::refusal_shapes::Refusals;
use crate::weight::Weight;

/// A team's agents.
#[derive(Serialize, ToSchema)]
pub(crate) struct AgentList {
    /// By slug.
    agents: Vec<AgentView>,
}

/// An agent.
#[derive(Serialize, ToSchema)]
struct AgentView {
    #[schema(value_type = String, example = "agt_eu_019e2c4f7a3b7c1d8e5fa0b1c2d3e4f5")]
    id: AgentId,
    /// Its slug.
    #[schema(value_type = String, example = "invoice-matcher")]
    agent: Slug,
    /// When its first record was received, or its first ping token made.
    #[serde(with = "iso")]
    #[schema(value_type = String, format = DateTime)]
    first_seen: Timestamp,
    /// When a run of it was last opened; absent before the first.
    #[serde(with = "iso_option", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String, format = DateTime, required = false)]
    last_seen: Option<Timestamp>,
    /// How often ids of its runs were used again this month (UTC): calls that close a run again which is closed, and are
    /// no retries. Absent if there were none.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = u64, required = false)]
    repeats_this_month: Option<u64>,
}

/// All agents of the team, by slug.
#[utoipa::path(
    get,
    path = "/v1/agents",
    operation_id = "list_agents",
    tag = "agents",
    responses((status = 200, description = "The agents.", body = AgentList), Refusals),
    security(("bearer" = []), ("key_header" = [])),
)]
pub(crate) async fn list(State(reads): State<Arc<Reads>>, request: Request) -> Response {
    framed(reads, Endpoint::Agents, request, all).await
}

async fn all(call: Call) -> Result<Response, Problem> {
    call.parameters(&[])?;
    let Call { reads, reader, .. } = call;
    let permit = reads.permit(Weight::Rows).await?;
    let rows = reads.ask(reads.queries.agents(reader.team));
    let repeats = reads.ask(reads.queries.repeats(reader.team, Month::of(reads.now())));
    let (rows, repeats) = tokio::try_join!(rows, repeats)?;
    let repeats: HashMap<Slug, u64> = repeats.into_iter().map(|of_agent| (of_agent.agent, of_agent.times)).collect();
    let view = |row: AgentRow| AgentView {
        repeats_this_month: repeats.get(&row.slug).copied(),
        id: row.id,
        agent: row.slug,
        first_seen: row.first_seen,
        last_seen: row.last_seen,
    };
    let agents = rows.into_iter().map(view).collect();
    Ok(permit.json(&AgentList { agents })?)
}
