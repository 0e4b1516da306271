//! `POST /v1/schedules/preview`: when a schedule would expect runs. Nothing is stored.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::Response;
use serde::Serialize;
use tidegate_agentping_pulse::Definition;
use tidegate_agentping_pulse::preview::{PreviewFault, PreviewRequest, next_slots};
use tidegate_kernel::Timestamp;
use tidegate_kernel::timestamp::iso;
use utoipa::ToSchema;

use crate::body;
use crate::call::{Call, framed_with_body, json};
use crate::endpoint::Endpoint;
use crate::problem::Problem;
use crate::reads::Reads;
use crate::refusal_shapes::{BodyRefusals, ManagedRefusals, Refusals};
use crate::schedule::ScheduleRequest;

/// What is asked for.
#[derive(ToSchema)]
#[allow(dead_code, reason = "it describes and is never made")]
pub(crate) struct SchedulePreviewRequest {
    schedule: ScheduleRequest,
    /// Slots after this instant; now if absent.
    #[schema(format = DateTime)]
    after: Option<String>,
    /// How many.
    #[schema(minimum = 1, maximum = 100, default = 5)]
    count: Option<u32>,
}

/// The next slots of a schedule, if no run comes in between.
#[derive(Serialize, ToSchema)]
pub(crate) struct SchedulePreview {
    slots: Vec<SlotView>,
}

/// One expected run.
#[derive(Serialize, ToSchema)]
struct SlotView {
    #[serde(with = "iso")]
    #[schema(value_type = String, format = DateTime)]
    at: Timestamp,
    /// The same in the schedule's time zone.
    #[schema(format = DateTime, example = "2026-03-29T03:00:00+02:00")]
    local: String,
    /// A run received from then on covers the slot.
    #[serde(with = "iso")]
    #[schema(value_type = String, format = DateTime)]
    window_from: Timestamp,
    /// A run received until then covers the slot.
    #[serde(with = "iso")]
    #[schema(value_type = String, format = DateTime)]
    deadline: Timestamp,
}

/// When a schedule would expect runs: what is judged, by the same rules. The schedule need not be any agent's.
#[utoipa::path(
    post,
    path = "/v1/schedules/preview",
    operation_id = "preview_schedule",
    tag = "schedules",
    request_body = SchedulePreviewRequest,
    responses((status = 200, description = "The next slots.", body = SchedulePreview), Refusals, ManagedRefusals, BodyRefusals),
    security(("bearer" = []), ("key_header" = [])),
)]
pub(crate) async fn read(State(reads): State<Arc<Reads>>, request: Request) -> Response {
    framed_with_body(reads, Endpoint::SchedulePreview, request, slots).await
}

async fn slots(call: Call, body: Body) -> Result<Response, Problem> {
    call.within_limit()?;
    call.parameters(&[])?;
    let asked = body::json(&call.reads, call.headers(), body).await?;
    let PreviewRequest { schedule, after, count } = PreviewRequest::parse(&asked)?;
    let after = after.unwrap_or_else(|| call.reads.now());
    let view = |schedule: &Definition| {
        let slots = next_slots(schedule, after, count).into_iter();
        let local = |at| schedule.timezone.local(at);
        let slots = slots.map(|slot| SlotView {
            at: slot.at,
            local: local(slot.at),
            window_from: slot.window_from,
            deadline: slot.deadline,
        });
        SchedulePreview { slots: slots.collect() }
    };
    json(&view(&schedule))
}

impl From<PreviewFault> for Problem {
    fn from(fault: PreviewFault) -> Self {
        Problem::MemberInvalid { field: fault.field(), is_unknown: fault.is_unknown_member(), fault: fault.to_string() }
    }
}
