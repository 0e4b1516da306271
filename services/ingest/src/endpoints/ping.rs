//! `GET /v1/ping`.

use std::sync::Arc;

use axum::body::Body as HttpBody;
use axum::extract::{Request, State};
use axum::response::Response;
use http::{Method, StatusCode};
use tidegate_admission::Class;
use tidegate_agentping::Body;
use tidegate_door::WrongMethod;
use tidegate_door::query::Query;

use crate::answers::{Answer, TakenPing, closing_word, heartbeat_word};
use crate::api::wants_json;
use crate::call::{Call, framed};
use crate::endpoint::Endpoint;
use crate::ingest::Ingest;
use crate::parse;
use crate::refusal_shapes::PingRefusals;
use crate::refusal_table::Problem;
use crate::request_shapes::PingParameters;

/// A heartbeat in a URL. Answers text, or JSON where `Accept` lists it.
#[utoipa::path(
    get,
    path = "/v1/ping",
    operation_id = "ping",
    params(PingParameters),
    responses(
        (
            status = 200, description = "Taken in, now (with a receipt) or before.",
            content((String = "text/plain", example = "OK\n"), (TakenPing = "application/json")),
            headers(
                ("X-Tidegate-Receipt" = String, description = "Ask the read API by it what became of the record."),
                ("X-Tidegate-Repeat" = String, description = "On a repeat, since when: `first seen <time>`, and which status stands where this ping says another."),
                ("X-Tidegate-Ignored" = String, description = "Parameters that mean nothing here, if there were any."),
            ),
        ),
        PingRefusals,
    ),
    security(("key_query" = []), ("bearer" = []), ("key_header" = [])),
)]
pub(crate) async fn ping(State(ingest): State<Arc<Ingest>>, request: Request) -> Response {
    framed(ingest, Endpoint::Ping, request, take).await
}

async fn take(call: Call, mut body: HttpBody) -> Result<Answer, Problem> {
    // A router takes HEAD for GET; a ping must not write on it.
    if call.parts.method != Method::GET {
        return Err(Problem::MethodNotAllowed { allow: "GET", why: WrongMethod::Mistaken });
    }
    let query = Query::read(call.parts.uri.query());
    let caller = call.enter(Class::Heartbeat, parse::ping::key(&query), &mut body).await?;
    let (run, heartbeat) = call.judged(&caller, parse::ping::ping(&query, &call.reading(&caller))).await?;
    let ignored = parse::ping::ignored(&query);
    drop(query);
    let as_json = wants_json(&call.parts.headers);
    let agent = heartbeat.agent.clone();
    let accepted = call.accept(caller, run, Body::Heartbeat(heartbeat)).await?;
    let (fresh, repeat) = (accepted.acceptance.fresh, accepted.acceptance.repeat);
    if !as_json {
        return Ok(Answer::ok_text(fresh)
            .with_receipt(accepted.receipt)
            .with_repeat(repeat, closing_word)
            .with_ignored(ignored));
    }
    let known = accepted.acceptance.run;
    let answer = TakenPing {
        id: accepted.run,
        agent: known.agent.unwrap_or(agent),
        status: heartbeat_word(known.status),
        received_at: known.received_at.unwrap_or(accepted.received_at),
    };
    let answer = Answer::json_with(fresh, StatusCode::OK, &answer)?;
    Ok(answer.with_receipt(accepted.receipt).with_repeat(repeat, closing_word).with_ignored(ignored))
}
