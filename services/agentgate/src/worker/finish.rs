//! `POST /worker/v1/runs/{id}/finish`: ends a run.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::response::Response;
use http::StatusCode;
use serde::Serialize;
use tidegate_agentgate::command::FinishRun;
use tidegate_agentgate::{Answer as DecidedAnswer, Command, Refusal as Decision, RunStatus};
use tidegate_door::Detached;
use tidegate_kernel::command::OwnerId;
use utoipa::ToSchema;

use super::call::{WorkerCall, fields, object, owner, worker};
use super::progress::refused;
use crate::answer::Answer;
use crate::content::ResultContent;
use crate::endpoint::Endpoint;
use crate::front_door::FrontDoor;
use crate::parse::FinishBody;
use crate::refusal::{Refusal, Why};
use crate::refusal_shapes::{LeaseRefusals, WorkerRefusals};
use crate::request_shapes::FinishRequest;
use crate::submit::{Decided, Order, unexpected};

/// How the run ended.
#[derive(Serialize, ToSchema)]
pub(crate) struct FinishAnswer {
    #[schema(example = "succeeded")]
    status: &'static str,
}

/// Ends a run. The same again answers the same.
#[utoipa::path(
    post,
    path = "/worker/v1/runs/{id}/finish",
    operation_id = "finish_run",
    tag = "workers",
    params(("id" = String, Path, description = "The run.")),
    request_body = FinishRequest,
    responses((status = 200, description = "The run has ended.", body = FinishAnswer), WorkerRefusals, LeaseRefusals),
    security(("worker_key" = [])),
)]
pub(crate) async fn finish(State(door): State<Arc<FrontDoor>>, request: Request) -> Response {
    worker(door, Endpoint::Finish, request, end).await
}

async fn end(call: WorkerCall, bytes: Vec<u8>) -> Result<Answer, Refusal> {
    Detached::new(async move {
        let (run, row) = call.run().await?;
        let body = object(&bytes)?;
        let content = body.content;
        let FinishBody { token, succeeded, iterations, pr_url, error } = fields(FinishBody::read(body.object))?;
        let stale = || Refusal::from(Why::TokenStale { run: run.to_string() });
        // It has its end, and stays as it is. Of an erased organization nothing could be sealed.
        if row.status == RunStatus::Cancelled {
            return Err(stale());
        }
        let error_code = error.as_ref().map(|error| error.code);
        let (message, details) = error.map_or((None, None), |error| (error.message, error.details));
        let result = ResultContent { pr_url, message, details };
        let result = match result == ResultContent::default() {
            true => None,
            false => Some(call.door.seal(owner(&row).log_key(), &result).await?),
        };
        let (sent_with, fleet) = (call.worker.key, call.is_fleet());
        let command = Command::Finish(FinishRun { sent_with, fleet, run, token, error_code, iterations, result });
        let key = Some(call.door.secrets.finish(run, token, &content));
        let order = Order { owner: owner(&row), command, key, received_at: call.received_at };
        let decided = call.door.carry_out_unless_shed(order).await.map_err(|refusal| match refusal.why {
            // Another end was reported with this token.
            Why::IdempotencyKeyReused => stale(),
            _ => refusal,
        })?;
        let status = if succeeded { "succeeded" } else { "failed" };
        match decided {
            Decided::Answered(DecidedAnswer::Finished {}) => Answer::done(StatusCode::OK, &FinishAnswer { status }),
            Decided::Repeated(DecidedAnswer::Finished {}) => {
                Answer::done(StatusCode::OK, &FinishAnswer { status }).map(Answer::replayed)
            }
            Decided::Refused(Decision::NotOpen {} | Decision::StaleToken {}) => Err(stale()),
            // As for progress.
            Decided::Refused(Decision::Suspended {}) if call.is_fleet() => Err(stale()),
            Decided::Refused(decision) => Err(refused(&decision)),
            Decided::Answered(other) | Decided::Repeated(other) => Err(unexpected(&other)),
        }
    })
    .await
}
