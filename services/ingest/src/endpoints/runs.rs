//! `POST /v1/runs`.

use std::sync::Arc;

use axum::body::Body as HttpBody;
use axum::extract::{Request, State};
use axum::response::Response;
use tidegate_admission::Class;
use tidegate_agentping::Body;

use crate::answers::{Answer, OpenedRun, finish_word};
use crate::call::{Call, framed};
use crate::endpoint::Endpoint;
use crate::ingest::Ingest;
use crate::parse;
use crate::refusal_shapes::Refusals;
use crate::refusal_table::Problem;
use crate::request_shapes::RunStart;

/// Opens a run.
#[utoipa::path(
    post,
    path = "/v1/runs",
    operation_id = "openRun",
    request_body = RunStart,
    responses(
        (
            status = 202, description = "The run is open.", body = OpenedRun,
            headers(("X-Tidegate-Receipt" = String, description = "Ask the read API by it what became of the record.")),
        ),
        (
            status = 200, description = "It was open before, with this agent and start time.", body = OpenedRun,
            headers(("X-Tidegate-Repeat" = String, description = "Since when: `first seen <time>`, and which status stands where this call says another.")),
        ),
        Refusals,
    ),
    security(("bearer" = []), ("key_header" = [])),
)]
pub(crate) async fn open(State(ingest): State<Arc<Ingest>>, request: Request) -> Response {
    framed(ingest, Endpoint::Runs, request, take).await
}

async fn take(call: Call, mut body: HttpBody) -> Result<Answer, Problem> {
    let caller = call.enter(Class::Start, None, &mut body).await?;
    let text = call.text(&caller, body).await?;
    let parsed = parse::start::start(&text, &call.reading(&caller));
    drop(text);
    let (run, start) = call.judged(&caller, parsed).await?;
    let (agent, started_at) = (start.agent.clone(), start.started_at);
    let accepted = call.accept(caller, Some(run), Body::Start(start)).await?;
    let known = accepted.acceptance.run;
    let answer = OpenedRun {
        id: run,
        agent: known.agent.unwrap_or(agent),
        started_at: known.started_at.unwrap_or(started_at),
        received_at: known.received_at.unwrap_or(accepted.received_at),
        status: known.status,
    };
    let answer = Answer::json(accepted.acceptance.fresh, &answer)?.with_receipt(accepted.receipt);
    Ok(answer.with_repeat(accepted.acceptance.repeat, finish_word))
}
