//! `GET /v1/credits`: an organization's balance.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::Response;
use serde::Serialize;
use tidegate_agentgate::Scope;
use tidegate_agentgate::views::{self, BalanceRow};
use tidegate_kernel::Timestamp;
use utoipa::ToSchema;

use crate::answer::Answer;
use crate::call::{Call, Needs, client};
use crate::endpoint::Endpoint;
use crate::front_door::FrontDoor;
use crate::refusal::{Refusal, Why};
use crate::refusal_shapes::Refusals;
use crate::wire::seconds;

/// The balance, what open runs hold included.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Balance {
    included_credits_cents: u64,
    purchased_credits_cents: u64,
    /// The sum of both.
    total_credits_cents: u64,
    #[serde(serialize_with = "seconds")]
    #[schema(value_type = String, format = DateTime)]
    billing_cycle_start: Timestamp,
    #[serde(serialize_with = "seconds")]
    #[schema(value_type = String, format = DateTime)]
    billing_cycle_end: Timestamp,
}

/// The organization's credits.
#[utoipa::path(
    get,
    path = "/v1/credits",
    operation_id = "get_credits",
    tag = "credits",
    responses((status = 200, description = "The balance.", body = Balance), Refusals),
    security(("key" = [])),
)]
pub(crate) async fn read(State(door): State<Arc<FrontDoor>>, request: Request) -> Response {
    client(door, Endpoint::Credits, Needs::scope(Scope::CreditsRead), request, balance).await
}

async fn balance(call: Call, mut body: Body) -> Result<Answer, Refusal> {
    call.pass(&mut body).await;
    drop(body);
    let row: Option<BalanceRow> = call.door.row(views::balance(call.caller.org)).await?;
    let row = row.ok_or_else(|| Why::Defect { cause: "an organization has no balance".to_owned() })?;
    // Billing cycles that went by since the last decision.
    let row = row.at(call.received_at);
    Answer::read(&Balance {
        included_credits_cents: row.included_cents,
        purchased_credits_cents: row.purchased_cents,
        total_credits_cents: row.total_cents(),
        billing_cycle_start: row.cycle_started_at_ms,
        billing_cycle_end: row.cycle_ends_at(),
    })
}
