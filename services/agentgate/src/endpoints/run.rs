//! `GET /v1/runs/{id}`: one run.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::Response;
use tidegate_agentgate::views::{self, OrderRow, RunRow, VerificationRow};
use tidegate_agentgate::{RunId, Scope};

use crate::answer::Answer;
use crate::call::{Call, Needs, client};
use crate::endpoint::Endpoint;
use crate::front_door::{FrontDoor, decoded};
use crate::refusal::{Refusal, Why};
use crate::refusal_shapes::{Refusals, RunRefusals};
use crate::run_object::Run;

/// One run.
#[utoipa::path(
    get,
    path = "/v1/runs/{id}",
    operation_id = "get_run",
    tag = "runs",
    params(("id" = String, Path, description = "The run.")),
    responses((status = 200, description = "The run.", body = Run), Refusals, RunRefusals),
    security(("key" = [])),
)]
pub(crate) async fn read(State(door): State<Arc<FrontDoor>>, request: Request) -> Response {
    client(door, Endpoint::Run, Needs::scope(Scope::RunsRead), request, one).await
}

async fn one(call: Call, mut body: Body) -> Result<Answer, Refusal> {
    call.pass(&mut body).await;
    drop(body);
    let text = call.id("/v1/runs/");
    let unknown = || Why::RunUnknown { run: text.clone() };
    let id = RunId::parse(&text).ok_or_else(unknown)?;
    let [run, order, verification] =
        call.door.docs([views::run(id), views::order(id), views::verification(id)]).await?;
    let run: RunRow = decoded(&run.ok_or_else(unknown)?)?;
    if run.org != call.caller.org {
        return Err(unknown().into());
    }
    let order: Option<OrderRow> = order.map(|doc| decoded(&doc)).transpose()?;
    let verification: Option<VerificationRow> = verification.map(|doc| decoded(&doc)).transpose()?;
    Answer::read(&call.door.run_object(id, run, order, verification).await?)
}
