//! `GET /v1/status`: how all agents of a team stand, and up to when that is judged.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::response::Response;
use serde::Serialize;
use tidegate_agentping::Slug;
use tidegate_agentping_ports::AgentRow;
use tidegate_agentping_pulse::agent::AgentStanding;
use tidegate_agentping_pulse::incident::IncidentId;
use tidegate_agentping_pulse::{DoubtReason, SlotOutcome};
use tidegate_agentping_settings::{TeamSettings, kinds};
use tidegate_agentping_verdicts::{JudgedDoc, RecentSlot, StandingDoc};
use tidegate_kernel::timestamp::{iso, iso_option};
use tidegate_kernel::{SmolStr, Timestamp};
use utoipa::ToSchema;

use crate::agents::is_there;
use crate::call::{Call, framed_managed};
use crate::endpoint::Endpoint;
use crate::manage::{NamePage, page_of};
use crate::problem::Problem;
use crate::reads::Reads;
use crate::refusal_shapes::{ManagedRefusals, Refusals};
use crate::slots::{DoubtWord, SlotWord};
use crate::standing::{AgentState, Standing, Standings};
use crate::weight::Weight;

const LIST: &[&str] = &["status"];
const KNOWN: &[&str] = &["limit", "cursor", "recent_slots"];

/// Agents of one answer at most: each answer reads how all agents of the team stand.
const MAX_LIMIT: usize = 1_000;

/// How a team's agents stand.
#[derive(Serialize, ToSchema)]
pub(crate) struct TeamStatus {
    /// Everything that was appended until then is judged; absent before the first judge.
    #[serde(with = "iso_option", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String, format = DateTime, required = false)]
    judged_until: Option<Timestamp>,
    /// Over all agents.
    incidents_open: u64,
    /// Whether the whole team is paused.
    paused: bool,
    /// Whether all of the team's messages are muted.
    muted: bool,
    /// By slug.
    agents: Vec<AgentStatus>,
    /// Send it as `cursor` for the next page; null at the end.
    #[schema(required = true)]
    next_cursor: Option<String>,
}

/// How one agent stands.
#[derive(Serialize, ToSchema)]
struct AgentStatus {
    #[schema(value_type = String)]
    agent: Slug,
    #[schema(value_type = AgentState)]
    state: AgentStanding,
    #[serde(with = "iso")]
    #[schema(value_type = String, format = DateTime)]
    since: Timestamp,
    /// When the last run that succeeded ended.
    #[serde(with = "iso_option", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String, format = DateTime, required = false)]
    last_success: Option<Timestamp>,
    #[serde(with = "iso_option", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String, format = DateTime, required = false)]
    next_slot: Option<Timestamp>,
    /// The same by the clock of the schedule's time zone, with its offset.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String, format = DateTime, required = false, example = "2026-03-29T03:00:00+02:00")]
    next_slot_local: Option<String>,
    /// Half of its last 31 runs that succeeded took no longer than this.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = u64, required = false)]
    median_duration_ms: Option<u64>,
    /// The names of the routes that its messages go to.
    #[schema(value_type = Vec<String>)]
    routes: Vec<SmolStr>,
    #[schema(value_type = Vec<String>)]
    open_incidents: Vec<IncidentId>,
    muted: bool,
    paused: bool,
    /// Its last 30 slots that are decided, oldest first; only where asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Vec<RecentSlotView>, required = false)]
    recent_slots: Option<Vec<RecentSlotView>>,
}

/// A slot at a glance.
#[derive(Serialize, ToSchema)]
struct RecentSlotView {
    #[serde(with = "iso")]
    #[schema(value_type = String, format = DateTime)]
    at: Timestamp,
    #[schema(value_type = SlotWord)]
    outcome: SlotOutcome,
    /// With `unknown`: why a run may not have got through.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = DoubtWord, required = false)]
    reason: Option<DoubtReason>,
}

/// How the team's agents stand.
#[utoipa::path(
    get,
    path = "/v1/status",
    operation_id = "read_status",
    tag = "incidents",
    params(
        ("limit" = inline(Option<u32>), Query, description = "At most so many agents; 50 if absent.", minimum = 1, maximum = 1_000),
        ("cursor" = inline(Option<String>), Query, description = "The `next_cursor` of the page before."),
        ("recent_slots" = inline(Option<bool>), Query, description = "Whether each agent comes with its last 30 slots; false if absent."),
    ),
    responses((status = 200, description = "The status.", body = TeamStatus), Refusals, ManagedRefusals),
    security(("bearer" = []), ("key_header" = [])),
)]
pub(crate) async fn read(State(reads): State<Arc<Reads>>, request: Request) -> Response {
    framed_managed(reads, Endpoint::Status, request, status).await
}

async fn status(call: Call) -> Result<Response, Problem> {
    let parameters = call.parameters(KNOWN)?;
    let page = NamePage::read_up_to(&parameters, LIST, MAX_LIMIT)?;
    let with_slots = parameters.get("recent_slots", "be true or false", |text| text.parse().ok())?.unwrap_or(false);
    let settings = call.settings();
    let Call { reads, reader, queries, .. } = call;
    let permit = reads.permit(Weight::Rows).await?;
    let (now, rows) = (reads.now(), &*reads.managed.rows);
    let agents = reads.ask(queries.agents(reader.team));
    let standings = reads.ask(Standings::of_team(rows, reader.team));
    let (agents, standings, judged) = tokio::try_join!(agents, standings, reads.ask(JudgedDoc::read(rows)))?;
    let is_asked = |row: &AgentRow| {
        is_there(row, &settings) && page.after.as_deref().is_none_or(|after| row.slug.as_str() > after)
    };
    let found: Vec<AgentRow> = agents.into_iter().filter(is_asked).take(page.limit + 1).collect();
    let (found, next_cursor) = page_of(found, &page, LIST, |row| row.slug.to_string());
    let status = TeamStatus {
        judged_until: judged.map(|judged| judged.until),
        incidents_open: standings.open_incidents() as u64,
        paused: settings.team_pause.at(now).is_some(),
        muted: settings.mutes.get(kinds::WHOLE_TEAM).is_some_and(|mute| mute.holds(now)),
        agents: found
            .iter()
            .map(|row| {
                let doc = standings.doc(settings.names.key(&row.slug));
                let status = AgentStatus::of(row, standings.standing(row, &settings, now), doc, &settings, now);
                if with_slots { status.with_slots(doc) } else { status }
            })
            .collect(),
        next_cursor,
    };
    Ok(permit.json(&status)?)
}

impl AgentStatus {
    fn of(
        row: &AgentRow,
        standing: Standing,
        doc: Option<&StandingDoc>,
        settings: &TeamSettings,
        now: Timestamp,
    ) -> Self {
        let Standing { state, since, next_slot, last_success, open_incidents } = standing;
        let schedule = settings.schedules.get(&row.slug).and_then(|schedule| schedule.current());
        let local = |at| schedule.map(|(_, definition)| definition.timezone.local(at));
        AgentStatus {
            agent: row.slug.clone(),
            state,
            since,
            last_success: last_success.map(|last| last.finished_at),
            next_slot,
            next_slot_local: next_slot.and_then(local),
            median_duration_ms: doc.and_then(|doc| doc.recent.median_ms()),
            routes: settings.routes_of(Some(&row.slug)).into_iter().map(|(_, route)| route.name.clone()).collect(),
            open_incidents,
            muted: settings.mute_of(&row.slug, now).is_some(),
            paused: settings.pause_of(&row.slug, now).is_some(),
            recent_slots: None,
        }
    }

    fn with_slots(self, doc: Option<&StandingDoc>) -> Self {
        let view = |slot: &RecentSlot| RecentSlotView { at: slot.at, outcome: slot.outcome, reason: slot.reason };
        let slots = doc.map_or(&[][..], |doc| doc.recent.slots());
        AgentStatus { recent_slots: Some(slots.iter().map(view).collect()), ..self }
    }
}
