//! `GET /v1/runs/{id}`: one run, and its events page by page.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::response::Response;
use serde::Serialize;
use tidegate_agentping::{EventId, IdError, Run, RunId, RunKey};
use tidegate_agentping_ports::{EventPage, EventRow, EventsPage, RunQueries};
use tidegate_kernel::timestamp::iso;
use tidegate_kernel::usd::decimal_option;
use tidegate_kernel::{FreeJson, Timestamp, Usd};
use utoipa::ToSchema;

use crate::call::{Call, framed};
use crate::checks::of_run;
use crate::endpoint::Endpoint;
use crate::model_costs::{ModelCost, ModelCosts};
use crate::parameters::whole;
use crate::problem::Problem;
use crate::reads::Reads;
use crate::refusal_shapes::{OneRunRefusals, Refusals};
use crate::summary::RunSummary;
use crate::weight::Weight;
use crate::{cursor, settled};

const KNOWN: &[&str] = &["events_limit", "events_cursor", "settled"];
const MAX_EVENTS: usize = 500;
/// Bytes of a page of events; it ends with the event that reaches them.
const PAGE_BYTES: usize = 1 << 20;
/// A run that changes while its events are read is read again, so often at the most.
const MOMENTS: u32 = 4;

/// A run with a page of its events: all of them, unless it has many or large ones.
#[derive(Serialize, ToSchema)]
pub(crate) struct RunDetail {
    #[serde(flatten)]
    summary: RunSummary,
    /// By `ts`, then id. Page follows page by id.
    events: Vec<EventView>,
    /// Send it as `events_cursor` for the next page of events; absent at the end.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String, required = false)]
    next_events_cursor: Option<String>,
    /// What the model calls among these events cost, by provider and model: greatest cost first.
    cost_by_model: Vec<ModelCost>,
}

/// An event as sent, with what it cost and when it was received.
#[derive(Serialize, ToSchema)]
pub(crate) struct EventView {
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

/// One run with its events and what its model calls cost. A run of more than 500 events, or of more than about a
/// megabyte of them, comes in pages.
#[utoipa::path(
    get,
    path = "/v1/runs/{id}",
    operation_id = "read_run",
    tag = "runs",
    params(
        ("id" = String, Path, description = "The run's id.", pattern = "^run_(eu|us)_[0-9a-f]{32}$"),
        ("events_limit" = inline(Option<u32>), Query, description = "At most so many events; 500 if absent.", minimum = 1, maximum = 500),
        ("events_cursor" = inline(Option<String>), Query, description = "The `next_events_cursor` of the page before."),
        ("settled" = inline(Option<bool>), Query, description = "Wait, at most two seconds, until what was answered `202` before is stored."),
    ),
    responses(
        (
            status = 200, description = "The run.", body = RunDetail,
            headers(("X-Tidegate-Settled" = bool, description = "Where `settled=true` was asked for: whether all that was on the log then is stored.")),
        ),
        OneRunRefusals,
        Refusals,
    ),
    security(("bearer" = []), ("key_header" = [])),
)]
pub(crate) async fn read(State(reads): State<Arc<Reads>>, request: Request) -> Response {
    framed(reads, Endpoint::Run, request, one).await
}

async fn one(mut call: Call) -> Result<Response, Problem> {
    // A path that is no text is no id either.
    let malformed = Problem::RunIdMalformed(IdError::Pattern { prefix: "run" });
    let Some(id) = call.path().await else { return Err(malformed) };
    let id = RunId::parse(&id).map_err(Problem::RunIdMalformed)?;
    let query = call.parameters(KNOWN)?;
    let Call { reads, reader, queries, .. } = call;
    let limit = query.get("events_limit", "be a whole number from 1 to 500", |text| whole(text, MAX_EVENTS))?;
    let unaltered = "be the 'next_events_cursor' of an answer about the same run, unaltered";
    let after = query.get("events_cursor", unaltered, |text| cursor::decode_event(text, id))?;
    let waits = query.get("settled", "be true or false", settled::parse)?.unwrap_or(false);
    let page = EventPage { after, limit: limit.unwrap_or(MAX_EVENTS), max_bytes: PAGE_BYTES };
    let key = RunKey { team: reader.team, run: id };
    let settled = if waits { Some(reads.settled(key).await?) } else { None };
    let permit = reads.permit(Weight::RunWithEvents).await?;
    let (run, EventsPage { mut rows, more, .. }) =
        at_one_moment(&reads, &*queries, key, &page).await?.ok_or(Problem::RunUnknown(id))?;
    let mut summary = RunSummary::of(id, &run, reads.now()).ok_or(Problem::RunUnknown(id))?;
    summary.checks_passed = of_run::passed(&reads, std::iter::once(key)).await.pop().flatten();
    let last = rows.last().filter(|_| more).map(|row| row.event.id);
    let next_events_cursor = last.map(|last| cursor::encode_event(id, last));
    rows.sort_by_key(|row| (row.event.ts, row.event.id));
    let mut costs = ModelCosts::default();
    rows.iter().for_each(|row| costs.add(row));
    let cost_by_model = costs.rows();
    let events = rows.into_iter().map(EventView::from).collect();
    let response = permit.json(&RunDetail { summary, events, next_events_cursor, cost_by_model })?;
    Ok(settled::marked(response, settled))
}

/// A run and a page of its events at one moment: the run is the same before and after its events are read.
/// A run that changes all the time is answered as it was last seen; `None` if the team has no such run.
async fn at_one_moment(
    reads: &Reads,
    queries: &dyn RunQueries,
    key: RunKey,
    page: &EventPage,
) -> Result<Option<(Run, EventsPage)>, Problem> {
    let mut before = reads.ask(queries.run(key)).await?;
    let mut attempts = 0;
    while let Some(run) = before {
        let events = reads.ask(queries.events(key, page)).await?;
        let after = reads.ask(queries.run(key)).await?;
        attempts += 1;
        match after {
            Some(after) if after == run || attempts == MOMENTS => return Ok(Some((after, events))),
            after => before = after,
        }
    }
    Ok(None)
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
