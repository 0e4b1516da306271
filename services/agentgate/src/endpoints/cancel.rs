//! `POST /v1/runs/{id}/cancel`: ends a run that has not ended.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::Response;
use http::StatusCode;
use serde::Serialize;
use tidegate_agentgate::command::CancelRun;
use tidegate_agentgate::views::{self, RunRow};
use tidegate_agentgate::{Answer as DecidedAnswer, Command, Owner, Refusal as Decision, RunId, Scope};
use tidegate_door::Detached;
use tidegate_kernel::Timestamp;
use utoipa::ToSchema;

use crate::answer::Answer;
use crate::call::{Call, Needs, client};
use crate::command_class::CommandClass;
use crate::endpoint::Endpoint;
use crate::front_door::FrontDoor;
use crate::refusal::{Refusal, Why};
use crate::refusal_shapes::{CancelRefusals, RunRefusals};
use crate::submit::{Decided, Order, refused, unexpected};
use crate::wire::seconds;

/// A run that was cancelled.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct CancelledRun {
    id: String,
    #[schema(example = "cancelled")]
    status: &'static str,
    #[serde(serialize_with = "seconds")]
    #[schema(value_type = String, format = DateTime)]
    cancelled_at: Timestamp,
}

/// Cancels a pending or running run.
#[utoipa::path(
    post,
    path = "/v1/runs/{id}/cancel",
    operation_id = "cancel_run",
    tag = "runs",
    params(("id" = String, Path, description = "The run.")),
    responses((status = 200, description = "The run is cancelled.", body = CancelledRun), CancelRefusals, RunRefusals),
    security(("key" = [])),
)]
pub(crate) async fn cancel(State(door): State<Arc<FrontDoor>>, request: Request) -> Response {
    let needs = Needs::command(Scope::RunsWrite, CommandClass::Rest);
    client(door, Endpoint::Cancel, needs, request, end).await
}

async fn end(call: Call, mut body: Body) -> Result<Answer, Refusal> {
    call.pass(&mut body).await;
    drop(body);
    Detached::new(async move {
        let text = call.id("/v1/runs/");
        let run = RunId::parse(&text).ok_or(Why::RunUnknown { run: text })?;
        open(&call, run).await?;
        let command = Command::Cancel(CancelRun { sent_with: call.caller.key, run });
        let owner = Owner::Org(call.caller.org);
        let order = Order { owner, command, key: None, received_at: call.received_at };
        match call.door.carry_out(order).await? {
            Decided::Answered(DecidedAnswer::Cancelled { at_ms }) => {
                let body = CancelledRun { id: run.to_string(), status: "cancelled", cancelled_at: at_ms };
                Answer::done(StatusCode::OK, &body)
            }
            // It ended meanwhile, and its row says how.
            Decided::Refused(Decision::NotOpen {}) => {
                open(&call, run).await?;
                Err(Why::Contended.into())
            }
            Decided::Refused(decision) => Err(refused(decision)),
            Decided::Answered(other) | Decided::Repeated(other) => Err(unexpected(&other)),
        }
    })
    .await
}

/// The run is there, is the caller's, and has not ended.
async fn open(call: &Call, run: RunId) -> Result<(), Refusal> {
    let row: Option<RunRow> = call.door.row(views::run(run)).await?;
    match row.filter(|row| row.org == call.caller.org) {
        None => Err(Why::RunUnknown { run: run.to_string() }.into()),
        Some(row) if row.status.is_terminal() => Err(Why::RunEnded { run, status: row.status }.into()),
        Some(_) => Ok(()),
    }
}
