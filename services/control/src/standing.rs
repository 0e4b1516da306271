//! How an agent stands, as answers show it: by what the judge has written, and by what is set right now.

use std::collections::BTreeMap;

use serde::Serialize;
use tidegate_agentping::{RunId, Slug, TeamId};
use tidegate_agentping_ports::AgentRow;
use tidegate_agentping_pulse::agent::{AgentStanding, LastSuccess};
use tidegate_agentping_pulse::incident::IncidentId;
use tidegate_agentping_settings::TeamSettings;
use tidegate_agentping_verdicts::{StandingDoc, open_check_incidents};
use tidegate_kernel::timestamp::iso;
use tidegate_kernel::usd::decimal;
use tidegate_kernel::{Timestamp, Usd};
use tidegate_ports::{Rows, StoreError};
use utoipa::ToSchema;

/// How an agent stands.
#[derive(Clone, Debug)]
pub(crate) struct Standing {
    pub state: AgentStanding,
    pub since: Timestamp,
    /// The next slot, or the one that a run is late for.
    pub next_slot: Option<Timestamp>,
    pub last_success: Option<LastSuccess>,
    pub open_incidents: Vec<IncidentId>,
}

/// What is stored of how a team's agents stand, by their keys.
#[derive(Debug, Default)]
pub(crate) struct Standings {
    docs: BTreeMap<Slug, StandingDoc>,
    /// Open incidents of checks, which the judge does not know.
    of_checks: BTreeMap<Slug, Vec<IncidentId>>,
}

impl Standings {
    /// Of all agents.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn of_team(rows: &dyn Rows, team: TeamId) -> Result<Self, StoreError> {
        let (docs, of_checks) = tokio::try_join!(StandingDoc::of_team(rows, team), open_check_incidents(rows, team))?;
        Ok(Standings { docs, of_checks })
    }

    /// Of the agent with this key.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn of_agent(rows: &dyn Rows, team: TeamId, key: &Slug) -> Result<Self, StoreError> {
        let doc = StandingDoc::read(rows, team, key);
        let (doc, of_checks) = tokio::try_join!(doc, open_check_incidents(rows, team))?;
        Ok(Standings { docs: doc.map(|doc| (key.clone(), doc)).into_iter().collect(), of_checks })
    }

    /// What the judge has written of the agent with this key.
    pub fn doc(&self, key: &Slug) -> Option<&StandingDoc> {
        self.docs.get(key)
    }

    /// How an agent stands.
    pub fn standing(&self, row: &AgentRow, settings: &TeamSettings, now: Timestamp) -> Standing {
        let key = settings.names.key(&row.slug);
        let mut standing = Standing::of(row, self.doc(key), settings, now);
        standing.open_incidents.extend(self.of_checks.get(key).into_iter().flatten());
        standing
    }

    /// How many incidents are open, over all agents.
    pub fn open_incidents(&self) -> usize {
        let of_judge: usize = self.docs.values().map(|doc| doc.open_incidents.len()).sum();
        of_judge + self.of_checks.values().map(Vec::len).sum::<usize>()
    }
}

/// The words of states, as they are described.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
#[allow(dead_code, reason = "it describes and is never made")]
pub(crate) enum AgentState {
    New,
    Up,
    Late,
    Running,
    Down,
    Unknown,
    Paused,
}

/// A run that succeeded.
#[derive(Serialize, ToSchema)]
pub(crate) struct LastSuccessView {
    #[schema(value_type = String)]
    run_id: RunId,
    #[serde(with = "iso")]
    #[schema(value_type = String, format = DateTime)]
    finished_at: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = u64, required = false)]
    duration_ms: Option<u64>,
    #[serde(serialize_with = "decimal")]
    #[schema(value_type = f64)]
    cost_usd: Usd,
}

impl Standing {
    /// `doc` is what the judge has written: it names no incidents of checks. A pause holds at once, although the judge
    /// comes to it later.
    pub fn of(row: &AgentRow, doc: Option<&StandingDoc>, settings: &TeamSettings, now: Timestamp) -> Self {
        let unjudged = if row.last_seen.is_some() { AgentStanding::Up } else { AgentStanding::New };
        let (state, since) = doc.map_or((unjudged, row.first_seen), |doc| doc.state_at(now));
        let (state, since) = match (settings.pause_of(&row.slug, now), state) {
            (Some(pause), _) => (AgentStanding::Paused, pause.paused_at),
            (None, AgentStanding::Paused) => (unjudged, since),
            (None, state) => (state, since),
        };
        Standing {
            state,
            since,
            next_slot: doc.and_then(|doc| doc.next_slot).map(|slot| slot.at),
            last_success: doc.and_then(|doc| doc.last_success),
            open_incidents: doc.map(|doc| doc.open_incidents.clone()).unwrap_or_default(),
        }
    }
}

impl LastSuccessView {
    pub fn of(LastSuccess { run, finished_at, duration_ms, cost }: LastSuccess) -> Self {
        LastSuccessView { run_id: run, finished_at, duration_ms, cost_usd: cost }
    }
}
