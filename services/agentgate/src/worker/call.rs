//! One request of a worker on its way: key, then body.

use std::future::Future;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::Request;
use axum::response::Response;
use http::request::Parts;
use tidegate_agentgate::views::{self, RunRow};
use tidegate_agentgate::{Owner, RunId};
use tidegate_door::body::read_past;
use tidegate_door::{Entered, framed};
use tidegate_kernel::Timestamp;

use crate::answer::Answer;
use crate::call::{BodyRefused, Held, id_in, whole_body};
use crate::caller::Worker;
use crate::endpoint::Endpoint;
use crate::front_door::FrontDoor;
use crate::parse::{FieldErrors, JsonBody, json_object};
use crate::refusal::{Refusal, Why, WorkerFault};

/// A request of a worker whose key is good.
pub(crate) struct WorkerCall {
    pub door: Arc<FrontDoor>,
    pub parts: Parts,
    pub worker: Worker,
    pub received_at: Timestamp,
    held: Held,
}

/// Runs a worker's request through `handle` and answers it, whatever happens.
pub(super) fn worker<H, F>(
    door: Arc<FrontDoor>,
    endpoint: Endpoint,
    request: Request,
    handle: H,
) -> impl Future<Output = Response>
where
    H: FnOnce(WorkerCall, Vec<u8>) -> F,
    F: Future<Output = Result<Answer, Refusal>>,
{
    let enter = async move |Entered { api: door, place, parts, mut body }: Entered<FrontDoor>| {
        let received_at = door.clock.now();
        let worker = match door.callers.worker(&parts.headers).await {
            Ok(worker) => worker,
            Err(refusal) => {
                read_past(&parts.headers, &mut body, door.config.max_body_bytes).await;
                return Err(refusal);
            }
        };
        let held = Held::new(place, door.body_budget.none());
        let call = WorkerCall { door, parts, worker, received_at, held };
        let bytes = call.body(body).await?;
        handle(call, bytes).await
    };
    framed(door, endpoint, request, enter)
}

impl WorkerCall {
    async fn body(&self, body: Body) -> Result<Vec<u8>, Refusal> {
        let read = whole_body(&self.door, &self.parts.headers, body, &self.held).await;
        read.map_err(|fault| match fault {
            BodyRefused::ContentType => Why::WorkerBody(WorkerFault::ContentType).into(),
            BodyRefused::OverBudget => Why::TooManyBytes.into(),
            BodyRefused::Body(error) => Why::WorkerBody(WorkerFault::Body(error)).into(),
        })
    }

    /// The run that the path names, and whose it is: one of the organizations that the worker serves.
    ///
    /// # Errors
    /// [`Why::WorkerRunUnknown`].
    pub async fn run(&self) -> Result<(RunId, RunRow), Refusal> {
        let text = id_in(self.parts.uri.path(), "/worker/v1/runs/");
        let unknown = || Why::WorkerRunUnknown { run: text.clone() };
        let run = RunId::parse(&text).ok_or_else(unknown)?;
        let row: Option<RunRow> = self.door.row(views::run(run)).await?;
        let row = row.filter(|row| self.worker.org.is_none_or(|org| org == row.org));
        Ok((run, row.ok_or_else(unknown)?))
    }

    /// Whether the worker's key is one of the fleet.
    pub fn is_fleet(&self) -> bool {
        self.worker.org.is_none()
    }
}

/// A worker's body.
///
/// # Errors
/// It is no JSON object.
pub(super) fn object(bytes: &[u8]) -> Result<JsonBody<'_>, Refusal> {
    json_object(bytes).map_err(|fault| Why::WorkerBody(WorkerFault::Json(fault)).into())
}

/// Fields of a worker's body, which have one code for all that is wrong with them.
pub(super) fn fields<T>(read: Result<T, FieldErrors>) -> Result<T, Refusal> {
    read.map_err(|errors| Why::WorkerBody(WorkerFault::Fields(errors)).into())
}

/// Whose run it is.
pub(super) fn owner(row: &RunRow) -> Owner {
    Owner::Org(row.org)
}
