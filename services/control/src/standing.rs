//! How an agent stands, as answers show it: by what the judge has written, and by what is set right now.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;
use tidegate_agentping::{RunId, Slug, TeamId};
use tidegate_agentping_ports::AgentRow;
use tidegate_agentping_pulse::agent::{AgentStanding, LastSuccess};
use tidegate_agentping_pulse::incident::IncidentId;
use tidegate_agentping_settings::TeamSettings;
use tidegate_agentping_verdicts::{StandingDoc, open_check_incidents, open_incidents_of_agent};
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

    /// Of the agent with this key, and of its checks.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn of_agent(
        rows: &dyn Rows,
        team: TeamId,
        key: &Slug,
        settings: &TeamSettings,
    ) -> Result<Self, StoreError> {
        let name = settings.names.name(key);
        let is_own = |check: &Value| check.get("agent").and_then(Value::as_str) == Some(name.as_str());
        let own = settings.checks.iter().filter(|(_, check)| is_own(check));
        let checks: Vec<&str> = own.map(|(id, _)| id.as_str()).collect();
        let doc = StandingDoc::read(rows, team, key);
        let (doc, open) = tokio::try_join!(doc, open_incidents_of_agent(rows, team, key, &checks))?;
        let docs = doc.map(|doc| (key.clone(), doc)).into_iter().collect();
        Ok(Standings { docs, of_checks: BTreeMap::from([(key.clone(), open)]) })
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

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use async_trait::async_trait;
    use serde_json::json;
    use tidegate_agentping::AgentId;
    use tidegate_agentping_pulse::incident::Subject;
    use tidegate_agentping_pulse::incident::track::{InARow, Track};
    use tidegate_agentping_pulse::{AlertKind, IncidentOrigin};
    use tidegate_agentping_testkit::{NOON, run_id, slug, team};
    use tidegate_agentping_verdicts::check_track_key;
    use tidegate_inproc::clock::TestClock;
    use tidegate_inproc::rows::MemoryRows;
    use tidegate_kernel::{Region, SmolStr};
    use tidegate_ports::{KeptRow, RowKey, RowScan, RowWrite};

    use super::*;

    /// Rows that can be read one by one only.
    struct Unscanned(MemoryRows);

    #[async_trait]
    impl Rows for Unscanned {
        async fn put(&self, rows: Arc<Vec<RowWrite>>, now: Timestamp) -> Result<(), StoreError> {
            self.0.put(rows, now).await
        }

        async fn insert(&self, rows: Arc<Vec<RowWrite>>, now: Timestamp) -> Result<Vec<bool>, StoreError> {
            self.0.insert(rows, now).await
        }

        async fn get(&self, keys: &[RowKey]) -> Result<Vec<Option<Vec<u8>>>, StoreError> {
            self.0.get(keys).await
        }

        async fn scan(&self, scan: &RowScan) -> Result<Vec<KeptRow>, StoreError> {
            Err(StoreError::Refused(format!("{} is not read whole", scan.table.name).into()))
        }

        async fn purge_rows(&self, now: Timestamp, limit: usize) -> Result<usize, StoreError> {
            self.0.purge_rows(now, limit).await
        }
    }

    /// The cost of one agent's page does not grow with the checks of the team's other agents.
    #[tokio::test]
    async fn of_one_agent_only_its_own_checks_are_read() {
        let rows = Unscanned(MemoryRows::new(Arc::new(TestClock::at(NOON))));
        let (mut settings, mut expected) = (TeamSettings::default(), Vec::new());
        for (number, check, agent) in [(1, "one", "nightly"), (2, "two", "other"), (3, "three", "nightly")] {
            let subject = Subject { agent: AgentId::from_bits(Region::Eu, number), kind: AlertKind::CheckFailed };
            let mut track = Track::default();
            let edge = track.bad(&subject, InARow::ONE, IncidentOrigin::Run(run_id(number)), NOON).unwrap();
            let doc = json!({"track": track, "last": {"agent": agent}}).to_string().into_bytes();
            let write = RowWrite { key: check_track_key(team(1), check), rank: 1, doc: Some(doc) };
            rows.put(Arc::new(vec![write]), NOON).await.unwrap();
            settings.checks.insert(SmolStr::new(check), json!({ "agent": agent }));
            expected.extend((agent == "nightly").then_some((check, edge.incident)));
        }
        let found = Standings::of_agent(&rows, team(1), &slug("nightly"), &settings).await.unwrap();
        expected.sort_unstable_by_key(|(check, _)| *check);
        let expected: Vec<IncidentId> = expected.into_iter().map(|(_, incident)| incident).collect();
        assert_eq!(found.of_checks[&slug("nightly")], expected);
        assert_eq!(found.open_incidents(), 2);
    }
}
