//! `POST /v1/heartbeats`.

use std::sync::Arc;

use axum::body::Body as HttpBody;
use axum::extract::{Request, State};
use axum::response::Response;
use tidegate_admission::Class;
use tidegate_agentping::Body;

use crate::answers::{Answer, TakenHeartbeat, closing_word, heartbeat_word};
use crate::call::{Call, framed};
use crate::endpoint::Endpoint;
use crate::ingest::Ingest;
use crate::parse;
use crate::refusal_shapes::Refusals;
use crate::refusal_table::Problem;
use crate::request_shapes::HeartbeatBody;

/// A run in one call, or one end of it: `start` opens, the other words close.
#[utoipa::path(
    post,
    path = "/v1/heartbeats",
    operation_id = "heartbeat",
    request_body = HeartbeatBody,
    responses(
        (
            status = 202, description = "Taken in.", body = TakenHeartbeat,
            headers(("X-Tidegate-Receipt" = String, description = "Ask the read API by it what became of the record.")),
        ),
        (
            status = 200, description = "It was there before.", body = TakenHeartbeat,
            headers(("X-Tidegate-Repeat" = String, description = "Since when: `first seen <time>`, and which status stands where this call says another.")),
        ),
        Refusals,
    ),
    security(("bearer" = []), ("key_header" = [])),
)]
pub(crate) async fn beat(State(ingest): State<Arc<Ingest>>, request: Request) -> Response {
    framed(ingest, Endpoint::Heartbeats, request, take).await
}

async fn take(call: Call, mut body: HttpBody) -> Result<Answer, Problem> {
    let caller = call.enter(Class::Heartbeat, None, &mut body).await?;
    let text = call.text(&caller, body).await?;
    let parsed = parse::heartbeat::heartbeat(&text, &call.reading(&caller));
    drop(text);
    let (run, heartbeat) = call.judged(&caller, parsed).await?;
    let agent = heartbeat.agent.clone();
    let accepted = call.accept(caller, run, Body::Heartbeat(heartbeat)).await?;
    let known = accepted.acceptance.run;
    let answer = TakenHeartbeat {
        id: accepted.run,
        agent: known.agent.unwrap_or(agent),
        status: heartbeat_word(known.status),
        started_at: known.started_at,
        finished_at: known.finished_at,
        received_at: known.received_at.unwrap_or(accepted.received_at),
        cost_usd: known.cost,
        duration_ms: known.duration_ms,
    };
    let answer = Answer::json(accepted.acceptance.fresh, &answer)?.with_receipt(accepted.receipt);
    Ok(answer.with_repeat(accepted.acceptance.repeat, closing_word))
}
