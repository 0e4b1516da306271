//! `POST /v1/runs/{id}/finish`.

use std::sync::Arc;

use axum::body::Body as HttpBody;
use axum::extract::{Request, State};
use axum::response::Response;
use tidegate_admission::Class;
use tidegate_agentping::Body;

use crate::answers::{Answer, FinishedRun, finish_word};
use crate::call::{Call, framed};
use crate::endpoint::Endpoint;
use crate::ingest::Ingest;
use crate::parse;
use crate::refusal_shapes::Refusals;
use crate::refusal_table::Problem;
use crate::request_shapes::RunFinish;

/// Closes a run. The first finish stands; later ones are answered with it. The run need not be open yet.
#[utoipa::path(
    post,
    path = "/v1/runs/{id}/finish",
    operation_id = "finishRun",
    params(("id" = String, Path, description = "The run's id.", example = "run_eu_018f3a2b9c1d7e8fa4b9c2d7e8f1a3b6")),
    request_body = RunFinish,
    responses(
        (
            status = 202, description = "The run is closed.", body = FinishedRun,
            headers(("X-Tidegate-Receipt" = String, description = "Ask the read API by it what became of the record.")),
        ),
        (
            status = 200, description = "It was closed before; this is how.", body = FinishedRun,
            headers(("X-Tidegate-Repeat" = String, description = "Since when: `first seen <time>`, and which status stands where this call says another.")),
        ),
        Refusals,
    ),
    security(("bearer" = []), ("key_header" = [])),
)]
pub(crate) async fn close(State(ingest): State<Arc<Ingest>>, request: Request) -> Response {
    framed(ingest, Endpoint::Finish, request, take).await
}

async fn take(call: Call, mut body: HttpBody) -> Result<Answer, Problem> {
    let caller = call.enter(Class::Finish, None, &mut body).await?;
    let text = call.text(&caller, body).await?;
    let run = call.judged(&caller, call.path_run()).await?;
    let parsed = parse::finish::finish(&text, &call.reading(&caller));
    drop(text);
    let finish = call.judged(&caller, parsed).await?;
    let accepted = call.accept(caller, Some(run), Body::Finish(finish)).await?;
    let known = accepted.acceptance.run;
    let answer = FinishedRun {
        id: run,
        agent: known.agent,
        status: known.status,
        started_at: known.started_at,
        finished_at: known.finished_at,
        received_at: known.received_at,
        duration_ms: known.duration_ms,
        cost_usd: known.cost,
    };
    let answer = Answer::json(accepted.acceptance.fresh, &answer)?.with_receipt(accepted.receipt);
    Ok(answer.with_repeat(accepted.acceptance.repeat, finish_word))
}
