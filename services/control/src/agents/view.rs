//! An agent as it is answered.

use serde::Serialize;
use tidegate_agentping::{AgentId, Slug};
use tidegate_agentping_ports::AgentRow;
use tidegate_agentping_pulse::Definition;
use tidegate_agentping_pulse::agent::AgentStanding;
use tidegate_agentping_settings::{AgentDoc, AgentRoutes, Maintenance, TeamSettings};
use tidegate_kernel::timestamp::{iso, iso_option};
use tidegate_kernel::{SmolStr, Timestamp};
use utoipa::ToSchema;

use crate::manage::ETag;
use crate::problem::Problem;
use crate::schedule::{ScheduleRequest, ScheduleView};
use crate::standing::{AgentState, LastSuccessView, Standings};
use crate::team::MaintenanceView;

/// An agent.
#[derive(Serialize, ToSchema)]
pub(crate) struct AgentView {
    #[schema(value_type = String, example = "agt_eu_019e2c4f7a3b7c1d8e5fa0b1c2d3e4f5")]
    id: AgentId,
    /// Its slug.
    #[schema(value_type = String, example = "invoice-matcher")]
    agent: Slug,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String, required = false)]
    description: Option<String>,
    #[schema(value_type = Vec<String>)]
    tags: Vec<SmolStr>,
    /// Who gets its messages: `"inherit"` (the team's routes), a list of routes that replaces them, or `{"add": […]}`.
    #[serde(serialize_with = "AgentRoutes::written")]
    #[schema(value_type = Value)]
    routes: AgentRoutes,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(value_type = Vec<MaintenanceView>, required = false)]
    maintenance: Vec<Maintenance>,
    /// When its first record was received, its first ping token made, or it was created.
    #[serde(with = "iso")]
    #[schema(value_type = String, format = DateTime)]
    first_seen: Timestamp,
    /// When a run of it was last opened; absent before the first.
    #[serde(with = "iso_option", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String, format = DateTime, required = false)]
    last_seen: Option<Timestamp>,
    /// How often ids of its runs were used again this month (UTC): calls that close a run again which is closed, and are
    /// no retries. Absent if there were none.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = u64, required = false)]
    pub(super) repeats_this_month: Option<u64>,
    /// Whether it, or the whole team, is paused.
    paused: bool,
    /// Whether its messages, or all of the team's, are muted.
    muted: bool,
    #[schema(value_type = AgentState)]
    state: AgentStanding,
    /// Since when it is in that state.
    #[serde(with = "iso")]
    #[schema(value_type = String, format = DateTime)]
    since: Timestamp,
    /// The next slot, or the one that a run is late for.
    #[serde(with = "iso_option", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String, format = DateTime, required = false)]
    next_slot: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = LastSuccessView, required = false)]
    last_success: Option<LastSuccessView>,
    open_incidents: usize,
    /// When runs are expected; absent without a schedule.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = ScheduleRequest, required = false)]
    schedule: Option<ScheduleView>,
}

impl AgentView {
    /// `set` and `schedule` are what is set of it, `judged` how it stands; the team's settings say what is paused and muted.
    pub fn of(
        row: &AgentRow,
        set: &AgentDoc,
        schedule: Option<(Timestamp, &Definition)>,
        team: &TeamSettings,
        judged: &Standings,
        now: Timestamp,
    ) -> Self {
        let standing = judged.standing(row, team, now);
        AgentView {
            id: row.id,
            agent: row.slug.clone(),
            description: set.description.clone(),
            tags: set.tags.clone(),
            routes: set.routes.clone(),
            maintenance: set.maintenance.clone(),
            first_seen: row.first_seen,
            last_seen: row.last_seen,
            repeats_this_month: None,
            paused: team.pause_of(&row.slug, now).is_some(),
            muted: team.mute_of(&row.slug, now).is_some(),
            state: standing.state,
            since: standing.since,
            next_slot: standing.next_slot,
            last_success: standing.last_success.map(LastSuccessView::of),
            open_incidents: standing.open_incidents.len(),
            schedule: schedule.map(|(from, definition)| ScheduleView::of(definition, from)),
        }
    }

    /// The same with what the team's settings say of it.
    pub fn in_settings(row: &AgentRow, team: &TeamSettings, judged: &Standings, now: Timestamp) -> Self {
        let unset = AgentDoc::default();
        let set = team.agents.get(&row.slug).unwrap_or(&unset);
        let schedule = team.schedules.get(&row.slug).and_then(|schedule| schedule.current());
        AgentView::of(row, set, schedule, team, judged, now)
    }

    /// The tag of what is set of the agent itself: neither runs nor pauses change it.
    ///
    /// # Errors
    /// [`Problem::Defect`].
    pub fn tag(&self) -> Result<ETag, Problem> {
        let AgentView { id, agent, description, tags, routes, maintenance, schedule, .. } = self;
        ETag::of(&(id, agent, description, tags, routes, maintenance, schedule))
    }
}
