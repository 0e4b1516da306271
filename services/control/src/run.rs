//! `GET /v1/runs/{id}`: one run, whole.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Json;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use http::Uri;
use serde::Serialize;
use tidegate_domain::timestamp::iso;
use tidegate_domain::usd::{decimal, decimal_option};
use tidegate_domain::{EventId, FreeJson, IdError, RunId, RunKey, Timestamp, Usd};
use tidegate_ports::EventRow;
use utoipa::ToSchema;

use crate::access::Reader;
use crate::openapi::{OneRunRefusals, Refusals};
use crate::parameters::Parameters;
use crate::problem::Problem;
use crate::reads::Reads;
use crate::summary::RunSummary;

/// A run with its events.
#[derive(Serialize, ToSchema)]
pub(crate) struct RunDetail {
    #[serde(flatten)]
    summary: RunSummary,
    /// By `ts`, then id.
    events: Vec<EventView>,
    /// What its model calls cost, by provider and model: greatest cost first.
    cost_by_model: Vec<ModelCost>,
}

/// An event as sent, with what it cost and when it was received.
#[derive(Serialize, ToSchema)]
struct EventView {
    #[schema(value_type = String, example = "evt_eu_019e2c4f7b107a2c9d4eb0c1d2e3f405")]
    external_id: EventId,
    #[serde(rename = "type")]
    #[schema(example = "llm_call")]
    kind: String,
    /// By the client's clock.
    #[serde(with = "iso")]
    #[schema(value_type = String, format = DateTime)]
    ts: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = u32, required = false)]
    turn: Option<u32>,
    /// Byte for byte as sent.
    #[schema(value_type = Value)]
    data: FreeJson,
    /// US dollars, exact. Only on model calls; 0 where no rate was there for the model.
    #[serde(serialize_with = "decimal_option", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = f64, required = false, minimum = 0)]
    cost_usd: Option<Usd>,
    /// By the server's clock.
    #[serde(with = "iso")]
    #[schema(value_type = String, format = DateTime)]
    received_at: Timestamp,
}

/// What a run's calls of one model cost.
#[derive(Serialize, ToSchema)]
struct ModelCost {
    provider: String,
    model: String,
    /// US dollars, exact.
    #[serde(serialize_with = "decimal")]
    #[schema(value_type = f64, minimum = 0)]
    cost_usd: Usd,
    /// How many calls.
    calls: u64,
    /// How many of them no rate was there for: they cost 0.
    unpriced: u64,
}

/// One run with its events and what its model calls cost.
#[utoipa::path(
    get,
    path = "/v1/runs/{id}",
    operation_id = "read_run",
    tag = "runs",
    params(("id" = String, Path, description = "The run's id.", pattern = "^run_(eu|us)_[0-9a-f]{32}$")),
    responses((status = 200, description = "The run.", body = RunDetail), OneRunRefusals, Refusals),
    security(("bearer" = []), ("key_header" = [])),
)]
pub(crate) async fn read(
    State(reads): State<Arc<Reads>>,
    reader: Reader,
    path: Result<Path<String>, PathRejection>,
    uri: Uri,
) -> Result<Json<RunDetail>, Problem> {
    // A path that is no text is no id either.
    let malformed = Problem::RunIdMalformed(IdError::Pattern { prefix: "run" });
    let Ok(Path(id)) = path else { return Err(malformed) };
    let id = RunId::parse(&id).map_err(Problem::RunIdMalformed)?;
    Parameters::read(&uri, &[])?;
    let found = reads.ask(reads.queries.run(RunKey { team: reader.team, run: id })).await?;
    let shown = found.and_then(|(run, events)| Some((RunSummary::of(id, &run, reads.now())?, events)));
    let (summary, events) = shown.ok_or(Problem::RunUnknown(id))?;
    let cost_by_model = cost_by_model(&events);
    let events = events.into_iter().map(EventView::from).collect();
    Ok(Json(RunDetail { summary, events, cost_by_model }))
}

impl From<EventRow> for EventView {
    fn from(EventRow { event, received_at }: EventRow) -> Self {
        EventView {
            external_id: event.id,
            kind: event.kind.into(),
            ts: event.ts,
            turn: event.turn,
            data: event.data,
            cost_usd: event.call.map(|call| call.cost),
            received_at,
        }
    }
}

fn cost_by_model(events: &[EventRow]) -> Vec<ModelCost> {
    let mut by_model = BTreeMap::new();
    for call in events.iter().filter_map(|row| row.event.call.as_ref()) {
        let (cost, calls, unpriced) = by_model.entry((&call.provider, &call.model)).or_insert((Usd::ZERO, 0u64, 0u64));
        *cost = cost.plus(call.cost);
        *calls += 1;
        *unpriced += u64::from(!call.priced);
    }
    let mut costs: Vec<ModelCost> = by_model
        .into_iter()
        .map(|((provider, model), (cost_usd, calls, unpriced))| ModelCost {
            provider: provider.to_string(),
            model: model.to_string(),
            cost_usd,
            calls,
            unpriced,
        })
        .collect();
    // Stable: equal costs stay by name.
    costs.sort_by_key(|row| std::cmp::Reverse(row.cost_usd));
    costs
}
