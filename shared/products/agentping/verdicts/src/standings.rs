//! How each agent stands: a row of a team under the agent's slug, written when it changes.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use tidegate_agentping::{RunId, RunStatus, Slug, TeamId};
use tidegate_agentping_pulse::Slot;
use tidegate_agentping_pulse::agent::{AgentStanding, LastSuccess};
use tidegate_agentping_pulse::incident::IncidentId;
use tidegate_kernel::{SmolStr, Timestamp};
use tidegate_ports::{Meeting, RowKey, RowTable, RowWrite, Rows, StoreError};

use crate::document::{all_rows, read, written};
use crate::recent::RecentDoc;

/// The table of standings. A row ends 400 days after its last change: later than any slot can be apart.
pub static STANDINGS: RowTable = RowTable { name: "agent_standings", keep_days: 400, meeting: Meeting::HigherRank };

/// An agent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StandingDoc {
    /// But for `late`, which [`StandingDoc::state_at`] adds.
    pub state: AgentStanding,
    #[serde(rename = "since_ms")]
    pub since: Timestamp,
    /// The oldest slot that is not decided and has no run in its window.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_slot: Option<Slot>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_success: Option<LastSuccess>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_run: Option<LastRun>,
    /// Incidents that are open, by id.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub open_incidents: Vec<IncidentId>,
    /// Its last slots and durations.
    #[serde(default, skip_serializing_if = "RecentDoc::is_empty")]
    pub recent: RecentDoc,
}

/// The last run of which a record was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LastRun {
    pub run: RunId,
    pub status: RunStatus,
    #[serde(rename = "received_at_ms")]
    pub received_at: Timestamp,
}

impl StandingDoc {
    /// The state at `now`, and since when: a slot whose time has passed makes an agent `late` until it is decided.
    pub fn state_at(&self, now: Timestamp) -> (AgentStanding, Timestamp) {
        let can_be_late = matches!(self.state, AgentStanding::Up | AgentStanding::Unknown);
        match self.next_slot.filter(|slot| can_be_late && slot.at <= now) {
            Some(slot) => (AgentStanding::Late, slot.at),
            None => (self.state, self.since),
        }
    }

    pub fn row(&self, team: TeamId, agent: &Slug, rank: u64) -> RowWrite {
        RowWrite { key: key(team, agent), rank, doc: Some(written(self)) }
    }

    /// One agent of a team; `None`: nothing was ever judged of it.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn read(rows: &dyn Rows, team: TeamId, agent: &Slug) -> Result<Option<StandingDoc>, StoreError> {
        let key = key(team, agent);
        let found = rows.get(std::slice::from_ref(&key)).await?.into_iter().next().flatten();
        Ok(found.and_then(|doc| read(STANDINGS.name, &key.shard, &doc)))
    }

    /// All agents of a team.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn of_team(rows: &dyn Rows, team: TeamId) -> Result<BTreeMap<Slug, StandingDoc>, StoreError> {
        let shard = shard(team);
        let found = all_rows(rows, &STANDINGS, &shard).await?;
        let docs = found.iter().filter_map(|row| {
            Some((Slug::parse(&row.row).ok()?, read::<StandingDoc>(STANDINGS.name, &shard, &row.doc)?))
        });
        Ok(docs.collect())
    }

    /// The incidents that are open of one agent, or of all agents of a team.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn open_incidents_of(
        rows: &dyn Rows,
        team: TeamId,
        agent: Option<&Slug>,
    ) -> Result<Vec<IncidentId>, StoreError> {
        let standings: Vec<StandingDoc> = match agent {
            Some(agent) => StandingDoc::read(rows, team, agent).await?.into_iter().collect(),
            None => StandingDoc::of_team(rows, team).await?.into_values().collect(),
        };
        Ok(standings.into_iter().flat_map(|standing| standing.open_incidents).collect())
    }
}

fn shard(team: TeamId) -> SmolStr {
    SmolStr::new(team.text().as_str())
}

fn key(team: TeamId, agent: &Slug) -> RowKey {
    RowKey { table: &STANDINGS, shard: shard(team), row: SmolStr::new(agent.as_str()) }
}
