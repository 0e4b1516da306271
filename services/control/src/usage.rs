//! `GET /v1/usage`: what this month has counted towards the plan (AgentPing: quotas).

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::response::Response;
use serde::Serialize;
use tidegate_kernel::timestamp::iso;
use tidegate_kernel::{Month, Timestamp};
use utoipa::ToSchema;

use crate::call::{Call, framed, json};
use crate::endpoint::Endpoint;
use crate::problem::Problem;
use crate::reads::Reads;
use crate::refusal_shapes::Refusals;

/// A team's month.
#[derive(Serialize, ToSchema)]
pub(crate) struct Usage {
    /// The calendar month, in UTC.
    #[schema(example = "2026-05")]
    month: String,
    /// Events stored so far that count towards the allowance.
    events: u64,
    /// Repeats stored so far this month, of all runs: calls that close a run again which is closed, and are no retries.
    /// They change no run and do not count towards the allowance. `/v1/agents` says whose runs they were.
    repeats: u64,
    #[schema(example = "team")]
    plan: &'static str,
    /// What the plan includes; null if it has no limit.
    #[schema(required = true)]
    allowance: Option<u64>,
    /// The count from which on everything is refused; null if there is none.
    #[schema(required = true)]
    hard_cap: Option<u64>,
    /// When the next month begins.
    #[serde(with = "iso")]
    #[schema(value_type = String, format = DateTime)]
    resets_at: Timestamp,
}

/// This month's events against the plan.
#[utoipa::path(
    get,
    path = "/v1/usage",
    operation_id = "read_usage",
    tag = "team",
    responses((status = 200, description = "This month's usage.", body = Usage), Refusals),
    security(("bearer" = []), ("key_header" = [])),
)]
pub(crate) async fn read(State(reads): State<Arc<Reads>>, request: Request) -> Response {
    framed(reads, Endpoint::Usage, request, month).await
}

async fn month(call: Call) -> Result<Response, Problem> {
    call.parameters(&[])?;
    let Call { reads, reader, queries, .. } = call;
    let month = Month::of(reads.now());
    let events = reads.ask(queries.usage(reader.team, month));
    let repeats = reads.ask(queries.repeats(reader.team, month));
    let (events, repeats) = tokio::try_join!(events, repeats)?;
    let limits = reader.plan.limits();
    json(&Usage {
        month: month.to_string(),
        events,
        repeats: repeats.iter().map(|of_agent| of_agent.times).sum(),
        plan: reader.plan.name(),
        allowance: limits.events_per_month,
        hard_cap: limits.hard_cap(),
        resets_at: month.next().start(),
    })
}
