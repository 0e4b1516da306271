//! `POST /worker/v1/runs/{id}/progress`: renews a lease.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::response::Response;
use http::StatusCode;
use serde::Serialize;
use tidegate_agentgate::command::{ReportProgress, VerificationReport};
use tidegate_agentgate::views::{self, RunRow};
use tidegate_agentgate::{Answer as DecidedAnswer, Command, Refusal as Decision, RunId, RunStatus};
use tidegate_door::Detached;
use tidegate_kernel::Timestamp;
use tidegate_kernel::command::OwnerId;
use utoipa::ToSchema;

use super::call::{WorkerCall, fields, object, owner, worker};
use crate::answer::Answer;
use crate::endpoint::Endpoint;
use crate::front_door::FrontDoor;
use crate::parse::{ProgressBody, Verification};
use crate::refusal::{Refusal, Why};
use crate::refusal_shapes::{LeaseRefusals, WorkerRefusals};
use crate::request_shapes::ProgressRequest;
use crate::submit::{Decided, Order, unexpected};
use crate::wire::seconds_option;

/// Whether to go on.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ProgressAnswer {
    /// The client has cancelled the run: stop working on it.
    cancelled: bool,
    /// When the lease ends without another sign of life.
    #[serde(serialize_with = "seconds_option", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    expires_at: Option<Timestamp>,
}

/// Reports how far a run is, and renews its lease.
#[utoipa::path(
    post,
    path = "/worker/v1/runs/{id}/progress",
    operation_id = "report_progress",
    tag = "workers",
    params(("id" = String, Path, description = "The run.")),
    request_body = ProgressRequest,
    responses((status = 200, description = "Whether to go on.", body = ProgressAnswer), WorkerRefusals, LeaseRefusals),
    security(("worker_key" = [])),
)]
pub(crate) async fn progress(State(door): State<Arc<FrontDoor>>, request: Request) -> Response {
    worker(door, Endpoint::Progress, request, report).await
}

async fn report(call: WorkerCall, bytes: Vec<u8>) -> Result<Answer, Refusal> {
    Detached::new(async move {
        let (run, row) = call.run().await?;
        let ProgressBody { token, iterations, verification } = fields(ProgressBody::read(object(&bytes)?.object))?;
        // As it stays. Of an erased organization nothing could be sealed.
        if row.status == RunStatus::Cancelled {
            return cancelled();
        }
        let verification = match verification {
            Some(verification) => Some(sealed(&call, &row, verification).await?),
            None => None,
        };
        let (sent_with, fleet) = (call.worker.key, call.is_fleet());
        let command = Command::Progress(ReportProgress { sent_with, fleet, run, token, iterations, verification });
        let order = Order { owner: owner(&row), command, key: None, received_at: call.received_at };
        match call.door.carry_out_unless_shed(order).await? {
            Decided::Answered(DecidedAnswer::Renewed { expires_at_ms }) => {
                let body = ProgressAnswer { cancelled: false, expires_at: Some(expires_at_ms) };
                Answer::done(StatusCode::OK, &body)
            }
            Decided::Refused(Decision::NotOpen {} | Decision::StaleToken {}) => over(&call, run).await,
            // The key of the fleet is as good as before: only this run is not to be worked on.
            Decided::Refused(Decision::Suspended {}) if call.is_fleet() => {
                Err(Why::TokenStale { run: run.to_string() }.into())
            }
            Decided::Refused(decision) => Err(refused(&decision)),
            Decided::Answered(other) | Decided::Repeated(other) => Err(unexpected(&other)),
        }
    })
    .await
}

/// A run that was cancelled is no fault of the worker's.
async fn over(call: &WorkerCall, run: RunId) -> Result<Answer, Refusal> {
    let row: Option<RunRow> = call.door.row(views::run(run)).await?;
    match row {
        Some(row) if row.status == RunStatus::Cancelled => cancelled(),
        _ => Err(Why::TokenStale { run: run.to_string() }.into()),
    }
}

fn cancelled() -> Result<Answer, Refusal> {
    Answer::done(StatusCode::OK, &ProgressAnswer { cancelled: true, expires_at: None })
}

async fn sealed(call: &WorkerCall, row: &RunRow, sent: Verification) -> Result<VerificationReport, Refusal> {
    let failures = match sent.failures {
        Some(failures) => Some(call.door.seal(owner(row).log_key(), &failures).await?),
        None => None,
    };
    Ok(VerificationReport { level: sent.level, passed: Some(sent.passed), failures })
}

/// What a decision refuses of a worker, whatever the command.
pub(super) fn refused(decision: &Decision) -> Refusal {
    match decision {
        Decision::KeyRevoked {} | Decision::Suspended {} | Decision::UnknownOrganization {} => {
            Why::WorkerKeyInvalid.into()
        }
        other => unexpected(other),
    }
}
