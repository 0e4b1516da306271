//! `/v1/agents/{slug}/schedule`: when runs of an agent are expected.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::response::Response;
use http::StatusCode;
use serde::Serialize;
use tidegate_agentping_pulse::Definition;
use tidegate_agentping_settings::{ScheduleDoc, SettingFault, kinds};
use tidegate_kernel::Timestamp;
use tidegate_kernel::timestamp::iso;
use utoipa::ToSchema;

use crate::agents::known;
use crate::call::{Call, Sent, framed_change, framed_managed};
use crate::endpoint::Endpoint;
use crate::manage::{Change, ETag, Kept, deleted, object};
use crate::problem::Problem;
use crate::reads::Reads;
use crate::refusal_shapes::{ChangeRefusals, ManagedRefusals, NotFoundRefusals, Refusals};

/// When runs of an agent are expected: `cron` or `every_s`.
#[derive(ToSchema)]
#[allow(dead_code, reason = "it describes and is never made")]
pub(crate) struct ScheduleRequest {
    /// Five fields (minute, hour, day of month, month, day of week), or `@hourly`, `@daily`, `@weekly`, `@monthly`.
    #[schema(max_length = 256, example = "30 2 * * MON-FRI")]
    cron: Option<String>,
    /// Seconds from the last run's opening to the next one.
    #[schema(minimum = 60, maximum = 31_536_000)]
    every_s: Option<u32>,
    /// A time zone of the IANA database, for `cron`.
    #[schema(default = "UTC", example = "Europe/Berlin")]
    timezone: Option<String>,
    /// Seconds after a slot that a run may take to arrive; at most `every_s`.
    #[schema(minimum = 60, maximum = 2_419_200, default = 600)]
    tolerance_s: Option<u32>,
    /// Seconds after its opening that a run is stuck; never if absent.
    #[schema(minimum = 1, maximum = 2_419_200)]
    max_runtime_s: Option<u32>,
    /// Missed slots, or failed runs, in a row that open an incident.
    #[schema(minimum = 1, maximum = 720, default = 1)]
    alert_after: Option<u32>,
    /// Covered slots, or successful runs, in a row that resolve one.
    #[schema(minimum = 1, maximum = 720, default = 1)]
    recover_after: Option<u32>,
    /// Whether a slot that cannot be judged sends a message.
    #[schema(default = false)]
    unknown_alerts: Option<bool>,
    /// Whether slots are judged before the agent's first run.
    #[schema(default = false)]
    start_unseen: Option<bool>,
    #[schema(default = true)]
    enabled: Option<bool>,
}

/// A schedule with its defaults filled in.
#[derive(Clone, Serialize)]
pub(crate) struct ScheduleView {
    #[serde(flatten)]
    definition: Definition,
    #[serde(with = "iso")]
    judged_from: Timestamp,
}

/// A schedule with its defaults filled in, as it is described.
#[derive(ToSchema)]
#[allow(dead_code, reason = "it describes and is never made")]
pub(crate) struct Schedule {
    cron: Option<String>,
    every_s: Option<u32>,
    timezone: String,
    tolerance_s: u32,
    max_runtime_s: Option<u32>,
    alert_after: u32,
    recover_after: u32,
    unknown_alerts: bool,
    start_unseen: bool,
    enabled: bool,
    /// Slots after this instant are judged by it.
    #[schema(format = DateTime)]
    judged_from: String,
}

impl ScheduleView {
    pub fn of(definition: &Definition, judged_from: Timestamp) -> Self {
        ScheduleView { definition: definition.clone(), judged_from }
    }

    fn answer(&self) -> Result<Response, Problem> {
        object(StatusCode::OK, self, &ETag::of(self)?)
    }
}

/// An agent's schedule.
#[utoipa::path(
    get,
    path = "/v1/agents/{slug}/schedule",
    operation_id = "read_schedule",
    tag = "schedules",
    params(("slug" = String, Path, description = "The agent's slug, percent-encoded.")),
    responses((status = 200, description = "The schedule.", body = Schedule), Refusals, ManagedRefusals, NotFoundRefusals),
    security(("bearer" = []), ("key_header" = [])),
)]
pub(crate) async fn read(State(reads): State<Arc<Reads>>, request: Request) -> Response {
    framed_managed(reads, Endpoint::Schedule, request, one).await
}

/// Sets an agent's schedule. Slots before the change are judged by the schedule before; the same again changes nothing.
#[utoipa::path(
    put,
    path = "/v1/agents/{slug}/schedule",
    operation_id = "set_schedule",
    tag = "schedules",
    params(("slug" = String, Path, description = "The agent's slug, percent-encoded.")),
    request_body = ScheduleRequest,
    responses((status = 200, description = "The schedule.", body = Schedule), Refusals, ManagedRefusals, ChangeRefusals, NotFoundRefusals),
    security(("bearer" = []), ("key_header" = [])),
)]
pub(crate) async fn put(State(reads): State<Arc<Reads>>, request: Request) -> Response {
    framed_change(reads, Endpoint::Schedule, request, set).await
}

/// Removes an agent's schedule: no more runs are expected.
#[utoipa::path(
    delete,
    path = "/v1/agents/{slug}/schedule",
    operation_id = "delete_schedule",
    tag = "schedules",
    params(("slug" = String, Path, description = "The agent's slug, percent-encoded.")),
    responses((status = 204, description = "It is removed."), Refusals, ManagedRefusals, ChangeRefusals, NotFoundRefusals),
    security(("bearer" = []), ("key_header" = [])),
)]
pub(crate) async fn delete(State(reads): State<Arc<Reads>>, request: Request) -> Response {
    framed_change(reads, Endpoint::Schedule, request, removed).await
}

async fn one(mut call: Call) -> Result<Response, Problem> {
    call.parameters(&[])?;
    let name = call.path().await;
    let slug = known(&call, name.as_deref()).await?.slug;
    let kept: Kept<ScheduleDoc> = Kept::read(&call.reads, call.reader.team, kinds::SCHEDULE, slug.as_str()).await?;
    view(&kept).ok_or_else(|| none(slug.as_str()))?.answer()
}

async fn set(mut call: Call, sent: Sent) -> Result<Response, Problem> {
    call.parameters(&[])?;
    let name = call.path().await;
    let slug = known(&call, name.as_deref()).await?.slug;
    let given = sent.json()?;
    let given = given.as_object().ok_or_else(|| SettingFault::at("", "must be a JSON object"))?;
    let wanted = Definition::parse(given).map_err(SettingFault::from)?;
    let decide = || {
        let (call, slug, wanted) = (&call, slug.as_str(), &wanted);
        async move {
            let mut kept: Kept<ScheduleDoc> = Kept::read(&call.reads, call.reader.team, kinds::SCHEDULE, slug).await?;
            if_matched(call, &kept)?;
            let is_new = kept.doc.current().is_none();
            let is_changed = kept.doc.set(call.reads.now(), Some(wanted.clone()));
            let writes = if is_changed { vec![kept.write()?] } else { Vec::new() };
            let action = if is_new { "schedule.create" } else { "schedule.update" };
            let answer = view(&kept).ok_or_else(|| none(slug))?;
            Ok(Change { writes, audited: Some((action, slug.to_owned())), answer })
        }
    };
    call.change(decide).await?.answer()
}

async fn removed(mut call: Call, _: Sent) -> Result<Response, Problem> {
    call.parameters(&[])?;
    let name = call.path().await;
    let slug = known(&call, name.as_deref()).await?.slug;
    let decide = || {
        let (call, slug) = (&call, slug.as_str());
        async move {
            let mut kept: Kept<ScheduleDoc> = Kept::read(&call.reads, call.reader.team, kinds::SCHEDULE, slug).await?;
            if view(&kept).is_none() {
                return Err(none(slug));
            }
            if_matched(call, &kept)?;
            kept.doc.set(call.reads.now(), None);
            let audited = Some(("schedule.delete", slug.to_owned()));
            Ok(Change { writes: vec![kept.write()?], audited, answer: () })
        }
    };
    call.change(decide).await?;
    Ok(deleted())
}

fn if_matched(call: &Call, kept: &Kept<ScheduleDoc>) -> Result<(), Problem> {
    let tag = view(kept).map(|view| ETag::of(&view)).transpose()?;
    ETag::matched(tag.as_ref(), call.headers())
}

fn view(kept: &Kept<ScheduleDoc>) -> Option<ScheduleView> {
    kept.doc.current().map(|(from, definition)| ScheduleView::of(definition, from))
}

fn none(slug: &str) -> Problem {
    Problem::Unknown { what: "schedule of agent", name: slug.to_owned() }
}
