//! `/v1/incidents`: what is wrong with a team's agents, and what was.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::response::Response;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use tidegate_agentping::{RunId, Slug};
use tidegate_agentping_alerts::Messages;
use tidegate_agentping_pulse::incident::IncidentId;
use tidegate_agentping_pulse::{AlertKind, AlertSeverity, IncidentOrigin};
use tidegate_agentping_settings::TeamSettings;
use tidegate_agentping_verdicts::{IncidentDoc, IncidentQuery};
use tidegate_kernel::Timestamp;
use tidegate_kernel::timestamp::{iso, iso_option};
use utoipa::ToSchema;

use crate::alert_routes::deliveries::DeliveryView;
use crate::call::{Call, framed_managed};
use crate::endpoint::Endpoint;
use crate::manage::{ETag, NamePage, object, page_of};
use crate::problem::Problem;
use crate::reads::Reads;
use crate::refusal_shapes::{ManagedRefusals, NotFoundRefusals, Refusals};
use crate::weight::Weight;

/// Messages that are shown with an incident.
const MAX_DELIVERIES: usize = 200;
const KNOWN: &[&str] = &["agent", "kind", "status", "limit", "cursor"];

/// A page of incidents.
#[derive(Serialize, ToSchema)]
pub(crate) struct IncidentList {
    /// Newest first.
    incidents: Vec<IncidentView>,
    /// Send it as `cursor`, with the same filters, for the next page; null at the end.
    #[schema(required = true)]
    next_cursor: Option<String>,
}

/// One ongoing trouble of an agent, or one that is over.
#[derive(Serialize, ToSchema)]
pub(crate) struct IncidentView {
    #[schema(value_type = String, example = "inc_eu_019e2c4f7a3b7c1d8e5fa0b1c2d3e4f5")]
    id: IncidentId,
    #[schema(value_type = String)]
    agent: Slug,
    #[schema(value_type = String, example = "schedule_missed")]
    kind: AlertKind,
    #[schema(value_type = IncidentStatus)]
    status: &'static str,
    #[schema(value_type = String, example = "error")]
    severity: AlertSeverity,
    /// When it became true: of a missed slot, its deadline.
    #[serde(with = "iso")]
    #[schema(value_type = String, format = DateTime)]
    opened_at: Timestamp,
    #[serde(with = "iso_option", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String, format = DateTime, required = false)]
    resolved_at: Option<Timestamp>,
    /// The slot that opened it.
    #[serde(with = "iso_option", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String, format = DateTime, required = false)]
    slot: Option<Timestamp>,
    /// The run that opened it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String, required = false)]
    run_id: Option<RunId>,
    /// The run below `run_id` whose failure opened it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String, required = false)]
    child_run_id: Option<RunId>,
    /// The slot whose run resolved it.
    #[serde(with = "iso_option", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String, format = DateTime, required = false)]
    resolved_by_slot: Option<Timestamp>,
    /// The run that resolved it, where no slot did.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String, required = false)]
    resolved_by_run_id: Option<RunId>,
    /// Slots or runs in it.
    count: u32,
    /// Whether the agent's messages, or all of the team's, are muted now.
    muted: bool,
}

/// One incident, with the messages about it.
#[derive(Serialize, ToSchema)]
pub(crate) struct IncidentDetail {
    #[serde(flatten)]
    incident: IncidentView,
    /// The newest first, at most 200, of the last 90 days.
    deliveries: Vec<DeliveryView>,
}

/// Whether an incident is over, as it is described.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
#[allow(dead_code, reason = "it describes and is never made")]
enum IncidentStatus {
    Open,
    Resolved,
}

/// The team's incidents of the last months, newest first. All filters given must hold.
#[utoipa::path(
    get,
    path = "/v1/incidents",
    operation_id = "list_incidents",
    tag = "incidents",
    params(
        ("agent" = inline(Option<String>), Query, description = "Of this agent: its slug.", min_length = 1, max_length = 128),
        ("kind" = inline(Option<String>), Query, description = "Of this kind, such as `schedule_missed`."),
        ("status" = inline(Option<String>), Query, description = "`open` or `resolved`."),
        ("limit" = inline(Option<u32>), Query, description = "At most so many; 50 if absent.", minimum = 1, maximum = 200),
        ("cursor" = inline(Option<String>), Query, description = "The `next_cursor` of the page before."),
    ),
    responses((status = 200, description = "A page of incidents.", body = IncidentList), Refusals, ManagedRefusals),
    security(("bearer" = []), ("key_header" = [])),
)]
pub(crate) async fn list(State(reads): State<Arc<Reads>>, request: Request) -> Response {
    framed_managed(reads, Endpoint::Incidents, request, page).await
}

/// One incident, with the messages about it.
#[utoipa::path(
    get,
    path = "/v1/incidents/{id}",
    operation_id = "read_incident",
    tag = "incidents",
    params(("id" = String, Path, description = "Its id.")),
    responses((status = 200, description = "The incident.", body = IncidentDetail), Refusals, ManagedRefusals, NotFoundRefusals),
    security(("bearer" = []), ("key_header" = [])),
)]
pub(crate) async fn read(State(reads): State<Arc<Reads>>, request: Request) -> Response {
    framed_managed(reads, Endpoint::Incident, request, one).await
}

async fn page(call: Call) -> Result<Response, Problem> {
    let parameters = call.parameters(KNOWN)?;
    let agent = parameters.get("agent", "be an agent's slug of 1 to 128 characters", |text| Slug::parse(text).ok())?;
    let kind = parameters.get("kind", "be a kind of incident, such as schedule_missed", kind_of)?;
    let is_open = parameters.get("status", "be open or resolved", |text| match text {
        "open" => Some(true),
        "resolved" => Some(false),
        _ => None,
    })?;
    let list = [
        "incidents",
        agent.as_ref().map_or("", Slug::as_str),
        kind.map_or("", AlertKind::as_str),
        is_open.map_or("", |open| if open { "open" } else { "resolved" }),
    ];
    let page = NamePage::read(&parameters, &list)?;
    let settings = call.settings();
    let Call { reads, reader, .. } = call;
    let permit = reads.permit(Weight::Rows).await?;
    let (now, after) = (reads.now(), page.after.as_deref().map(Into::into));
    let key = agent.as_ref().map(|name| settings.names.key(name).clone());
    let query = IncidentQuery { team: reader.team, agent: key, kind, is_open, after, limit: page.limit + 1 };
    let found = reads.ask(query.read(&*reads.managed.rows, now)).await?;
    let (found, next_cursor) = page_of(found, &page, &list, |incident| incident.name().to_string());
    let incidents = found.into_iter().map(|incident| IncidentView::of(incident, &settings, now)).collect();
    Ok(permit.json(&IncidentList { incidents, next_cursor })?)
}

async fn one(mut call: Call) -> Result<Response, Problem> {
    call.parameters(&[])?;
    let name = call.path().await;
    let unknown = || Problem::Unknown { what: "incident", name: name.clone().unwrap_or_else(|| "?".to_owned()) };
    let id = name.as_deref().and_then(|name| IncidentId::parse(name).ok()).ok_or_else(unknown)?;
    let (reads, team) = (&call.reads, call.reader.team);
    let found = reads.ask(IncidentDoc::read(&*reads.managed.rows, team, id)).await?;
    let settings = call.settings();
    let incident = IncidentView::of(found.ok_or_else(unknown)?, &settings, reads.now());
    let messages = Messages::new(reads.managed.rows.clone());
    let sent = reads.ask(messages.of_incident(team, id, MAX_DELIVERIES)).await?;
    let hides_answers = call.is_read_only();
    let deliveries = sent.into_iter().map(|one| DeliveryView::of(one, &settings, hides_answers)).collect();
    let detail = IncidentDetail { incident, deliveries };
    object(StatusCode::OK, &detail, &ETag::of(&detail)?)
}

fn slot_or_run(origin: IncidentOrigin) -> (Option<Timestamp>, Option<RunId>) {
    match origin {
        IncidentOrigin::Slot(at) => (Some(at), None),
        IncidentOrigin::Run(run) | IncidentOrigin::Child { run, .. } => (None, Some(run)),
    }
}

/// By the wire's words.
fn kind_of(text: &str) -> Option<AlertKind> {
    AlertKind::deserialize(serde::de::value::StrDeserializer::<serde::de::value::Error>::new(text)).ok()
}

impl IncidentView {
    fn of(incident: IncidentDoc, settings: &TeamSettings, now: Timestamp) -> Self {
        let status = if incident.is_open() { "open" } else { "resolved" };
        let (slot, run_id) = slot_or_run(incident.origin);
        let child_run_id = incident.origin.child();
        let (resolved_by_slot, resolved_by_run_id) = incident.resolved_by.map_or((None, None), slot_or_run);
        let agent = settings.names.name(&incident.agent).clone();
        let muted = settings.mute_of(&agent, now).is_some();
        let IncidentDoc { id, kind, severity, opened_at, resolved_at, count, .. } = incident;
        IncidentView {
            id,
            agent,
            kind,
            status,
            severity,
            opened_at,
            resolved_at,
            slot,
            run_id,
            child_run_id,
            resolved_by_slot,
            resolved_by_run_id,
            count,
            muted,
        }
    }
}
