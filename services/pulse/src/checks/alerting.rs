//! From results of checks to incidents and messages: a check that fails so often in a row opens one, its next pass
//! resolves it (AC-45 and section 3.2 of the control side).

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use tidegate_agentping::{AgentId, TeamId};
use tidegate_agentping_alerts::{AlertEvent, AlertOutbox};
use tidegate_agentping_checks::CheckOutcome;
use tidegate_agentping_pulse::incident::routing::Routing;
use tidegate_agentping_pulse::incident::track::{InARow, Track};
use tidegate_agentping_pulse::incident::{IncidentEdge, Subject};
use tidegate_agentping_pulse::{AlertKind, AlertMessage, IncidentOrigin};
use tidegate_agentping_settings::TeamSettings;
use tidegate_agentping_verdicts::{IncidentDoc, check_track_key};
use tidegate_kernel::Timestamp;
use tidegate_kernel::free_json::text_hash_128;
use tidegate_mirror::Mirror;
use tidegate_ports::{Clock, FailureCause, FailureKind, RowWrite, Rows, StoreError};

use super::CheckEvent;

/// Opens and resolves incidents of checks. Two that do so at once write the same.
pub struct CheckAlerts {
    pub rows: Arc<dyn Rows>,
    pub outbox: AlertOutbox,
    pub settings: Mirror<TeamSettings>,
    pub clock: Arc<dyn Clock>,
}

/// How a check has come out so far. The rank of its row is its last result's; of its members others read `track`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct CheckTrack {
    #[serde(default)]
    track: Track,
    #[serde(default)]
    routing: Routing,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    last: Option<Last>,
    #[serde(default)]
    rank: u64,
}

/// The result that was taken in last.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Last {
    run: String,
    #[serde(rename = "ended_at_ms")]
    ended_at: Timestamp,
    outcome: CheckOutcome,
}

impl CheckAlerts {
    /// Takes results in. One that was taken in before changes nothing; a run that is judged again with another outcome does.
    ///
    /// # Errors
    /// [`StoreError`]: the same events again come to the same.
    pub async fn take(&self, mut events: Vec<CheckEvent>) -> Result<(), StoreError> {
        events.sort_by_key(|event| (event.ended_at, event.run.run));
        for event in events {
            self.take_one(&event).await?;
        }
        Ok(())
    }

    async fn take_one(&self, event: &CheckEvent) -> Result<(), StoreError> {
        let key = check_track_key(event.team, &event.check);
        let found = self.rows.get(std::slice::from_ref(&key)).await?.into_iter().next().flatten();
        let mut kept: CheckTrack = found.map_or_else(|| Ok(CheckTrack::default()), |doc| read(&doc))?;
        if !kept.is_news(event) {
            return Ok(());
        }
        let settings = self.settings.get(&event.team.to_string()).unwrap_or_default();
        let before = kept.track.open().map(|open| open.origin);
        let mut messages = Vec::new();
        let edges = kept.apply(event, &settings, &mut messages);
        let messages: Vec<AlertEvent> = messages.iter().map(|message| alert(event, message)).collect();
        self.outbox.put(&messages).await?;
        let now = self.clock.now();
        for edge in edges {
            // A recovery has no open incident any more: its origin is that of before.
            let origin = before.unwrap_or(edge.origin);
            let rows = IncidentDoc::of(&edge, &event.agent, origin).rows(event.team);
            self.rows.put(Arc::new(rows.to_vec()), now).await?;
        }
        let doc = serde_json::to_vec(&kept).map_err(|error| broken(&error))?;
        self.rows.put(Arc::new(vec![RowWrite { key, rank: kept.rank, doc: Some(doc) }]), now).await
    }
}

impl CheckTrack {
    fn is_news(&self, event: &CheckEvent) -> bool {
        let Some(last) = &self.last else { return true };
        let same_run = last.run == event.run.run.to_string();
        if same_run { last.outcome != event.outcome } else { event.ended_at >= last.ended_at }
    }

    fn apply(
        &mut self,
        event: &CheckEvent,
        settings: &TeamSettings,
        messages: &mut Vec<AlertMessage>,
    ) -> Vec<IncidentEdge> {
        let subject = Subject { agent: subject_of(event.team, &event.check), kind: AlertKind::CheckFailed };
        let (origin, at) = (IncidentOrigin::Run(event.run.run), event.ended_at);
        let rule = InARow { alert_after: event.alert_after, recover_after: 1 };
        let settled = self.track.settle(&subject, at);
        let changed = match event.outcome {
            CheckOutcome::Fail => self.track.bad(&subject, rule, origin, at),
            CheckOutcome::Pass => self.track.good(&subject, rule, origin, at),
            CheckOutcome::Skipped | CheckOutcome::Error => None,
        };
        let edges: Vec<IncidentEdge> = settled.into_iter().chain(changed).collect();
        let policies = settings.route_policies(settings.names.name(&event.agent));
        for edge in &edges {
            self.routing.route(event.team.region(), edge, &policies, &mut |message| messages.push(message));
        }
        self.last = Some(Last { run: event.run.run.to_string(), ended_at: at, outcome: event.outcome });
        self.rank = u64::try_from(at.as_millis()).unwrap_or(0).max(self.rank + 1);
        edges
    }
}

/// A check has incidents of its own, so its id stands where an agent's does.
fn subject_of(team: TeamId, check: &str) -> AgentId {
    AgentId::from_bits(team.region(), text_hash_128(&[&team.bits().to_be_bytes(), b"check", check.as_bytes()]))
}

fn alert(event: &CheckEvent, message: &AlertMessage) -> AlertEvent {
    let mut data: Map<String, Value> = Map::new();
    data.insert("check".to_owned(), event.check_name.as_str().into());
    data.insert("run_id".to_owned(), event.run.run.to_string().into());
    let outcome = if event.outcome == CheckOutcome::Fail { "fail" } else { "pass" };
    data.insert("outcome".to_owned(), outcome.into());
    AlertEvent::of_message(event.team, event.agent.clone(), message, data)
}

fn read(doc: &[u8]) -> Result<CheckTrack, StoreError> {
    serde_json::from_slice(doc).map_err(|error| broken(&error))
}

fn broken(error: &serde_json::Error) -> StoreError {
    let text = format!("what is known of a check cannot be read: {error}");
    StoreError::Broken(FailureCause::new(FailureKind::Broken, text))
}

#[cfg(test)]
mod tests {
    use tidegate_agentping_verdicts::check_tracks::open_incidents_of_checks;
    use tidegate_inproc::clock::TestClock;
    use tidegate_inproc::rows::MemoryRows;
    use tidegate_kernel::Region;

    use super::*;

    /// Whoever lists open incidents reads the part of the row that it knows.
    #[tokio::test]
    async fn the_open_incident_of_a_check_is_found_in_its_row() {
        let (team, at) = (TeamId::from_bits(Region::Eu, 1), Timestamp::from_millis(1_800_000_000_000));
        let rows = MemoryRows::new(Arc::new(TestClock::at(at)));
        let mut kept = CheckTrack { rank: 1, ..CheckTrack::default() };
        let subject = Subject { agent: subject_of(team, "check"), kind: AlertKind::CheckFailed };
        kept.track.bad(&subject, InARow::ONE, IncidentOrigin::Slot(at), at).unwrap();
        let write = |kept: &CheckTrack| {
            let doc = Some(serde_json::to_vec(kept).unwrap());
            Arc::new(vec![RowWrite { key: check_track_key(team, "check"), rank: kept.rank, doc }])
        };
        rows.put(write(&kept), at).await.unwrap();
        let open = open_incidents_of_checks(&rows, team).await.unwrap();
        assert_eq!(open, Vec::from_iter(kept.track.open().copied()));
        kept.track.good(&subject, InARow::ONE, IncidentOrigin::Slot(at), at).unwrap();
        kept.rank = 2;
        rows.put(write(&kept), at).await.unwrap();
        assert!(open_incidents_of_checks(&rows, team).await.unwrap().is_empty());
    }
}
