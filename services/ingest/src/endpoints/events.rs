//! `POST /v1/runs/{id}/events`.

use std::sync::Arc;

use axum::body::Body as HttpBody;
use axum::extract::{Request, State};
use axum::response::Response;
use tidegate_admission::{Class, Refusal};
use tidegate_agentping::Body;

use crate::answers::{Answer, TakenEvents};
use crate::call::{Call, framed};
use crate::endpoint::Endpoint;
use crate::ingest::Ingest;
use crate::parse;
use crate::refusal_shapes::Refusals;
use crate::refusal_table::Problem;
use crate::request_shapes::EventBatch;

/// Appends up to 50 events to a run, all or none. The run need not be open yet.
#[utoipa::path(
    post,
    path = "/v1/runs/{id}/events",
    operation_id = "appendEvents",
    params(("id" = String, Path, description = "The run's id.", example = "run_eu_018f3a2b9c1d7e8fa4b9c2d7e8f1a3b6")),
    request_body = EventBatch,
    responses(
        (
            status = 202, description = "At least one event was new.", body = TakenEvents,
            headers(("X-Tidegate-Receipt" = String, description = "Ask the read API by it what became of the record.")),
        ),
        (status = 200, description = "Every event was stored before.", body = TakenEvents),
        Refusals,
    ),
    security(("bearer" = []), ("key_header" = [])),
)]
pub(crate) async fn append(State(ingest): State<Arc<Ingest>>, request: Request) -> Response {
    framed(ingest, Endpoint::Events, request, take).await
}

async fn take(call: Call, mut body: HttpBody) -> Result<Answer, Problem> {
    let caller = call.enter(Class::Events, None, &mut body).await?;
    let text = call.text(&caller, body).await?;
    let run = call.judged(&caller, call.path_run()).await?;
    let rates = call.ingest.admission.rates(caller.team).await;
    let parsed = parse::events::events(&text, &call.reading(&caller), &rates);
    drop(text);
    let (events, indices) = call.judged(&caller, parsed).await?.into_parts();
    let accepted = match call.accept(caller, Some(run), Body::Events(events)).await {
        // Admission counts the events it was given; the client counts those it sent.
        Err(Problem::Refusal(Refusal::EventConflict { index })) => {
            let index = indices.get(index).copied().unwrap_or(index);
            return Err(Refusal::EventConflict { index }.into());
        }
        other => other?,
    };
    let answer = TakenEvents {
        run_id: run,
        accepted: accepted.acceptance.events_accepted,
        duplicates: accepted.acceptance.events_duplicate,
        received_at: accepted.received_at,
    };
    Ok(Answer::json(accepted.acceptance.fresh, &answer)?.with_receipt(accepted.receipt))
}
