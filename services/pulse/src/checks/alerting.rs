//! From results of checks to incidents and messages: a check that fails so often in a row opens one, its next pass
//! resolves it (AC-45 and section 3.2 of the control side). It ends with the check, too: once that is removed or
//! switched off, or its agent is deleted.

use std::collections::HashMap;
use std::sync::Arc;

use serde_json::{Map, Value};
use tidegate_agentping::{Slug, TeamId};
use tidegate_agentping_alerts::{AlertEvent, AlertOutbox};
use tidegate_agentping_checks::CheckOutcome;
use tidegate_agentping_pulse::AlertMessage;
use tidegate_agentping_pulse::incident::IncidentEdge;
use tidegate_agentping_pulse::incident::track::OpenIncident;
use tidegate_agentping_settings::TeamSettings;
use tidegate_agentping_verdicts::check_tracks::checks_in_trouble;
use tidegate_agentping_verdicts::{IncidentDoc, check_track_key};
use tidegate_kernel::{SmolStr, Timestamp};
use tidegate_mirror::Mirror;
use tidegate_ports::{Clock, FailureCause, FailureKind, RowKey, RowWrite, Rows, StoreError};

use super::passing_over::PassingOver;
use super::track::{CheckTrack, Last, Over};
use super::{CheckEvent, ROUND_MS};

/// Teams whose checks are looked for in one call.
const TEAMS_AT_ONCE: usize = 200;

/// Opens and resolves incidents of checks. Two that do so at once write the same.
pub struct CheckAlerts {
    rows: Arc<dyn Rows>,
    outbox: AlertOutbox,
    settings: Mirror<TeamSettings>,
    clock: Arc<dyn Clock>,
    /// What each team had set when its checks were looked at, by space.
    looked_at: HashMap<SmolStr, Arc<TeamSettings>>,
    passing_over: PassingOver,
}

/// A check's row was read, or not needed (`false`), or cannot be read.
type RowRead = Result<bool, StoreError>;

impl CheckAlerts {
    pub fn new(
        rows: Arc<dyn Rows>,
        outbox: AlertOutbox,
        settings: Mirror<TeamSettings>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        let (looked_at, passing_over) = (HashMap::new(), PassingOver::default());
        CheckAlerts { rows, outbox, settings, clock, looked_at, passing_over }
    }

    /// Takes results in, in the order of the runs' ends, for about a second, and leaves the rest in `events`. One that
    /// was taken in before changes nothing; a run that is judged again with another outcome does. One whose check has a
    /// row that cannot be read is passed over, unless the whole store seems to be broken.
    ///
    /// # Errors
    /// [`StoreError`]: the event that failed is left as well, and comes to the same again.
    pub async fn take(&mut self, events: &mut Vec<CheckEvent>) -> Result<(), StoreError> {
        events.sort_by_key(|event| (event.ended_at, event.run.run));
        let began = self.clock.steady();
        let (mut taken, mut left, mut done) = (0, Vec::new(), Ok(()));
        while let Some(event) = events.get(taken) {
            let read = match self.take_one(event).await {
                Ok(read) => self.is_done(read, event.team, &event.check).await,
                Err(error) => Err(error),
            };
            match read {
                Ok(true) => {}
                Ok(false) => left.push(event.clone()),
                Err(error) => {
                    done = Err(error);
                    break;
                }
            }
            taken += 1;
            if self.clock.steady().millis_since(began) >= ROUND_MS {
                break;
            }
        }
        drop(events.splice(..taken, left));
        done.and(self.passing_over.end())
    }

    /// Whether a check counts as done whose row was read, or cannot be.
    async fn is_done(&mut self, read: RowRead, team: TeamId, check: &str) -> Result<bool, StoreError> {
        match read {
            Ok(was_read) => {
                if was_read {
                    self.passing_over.succeeded();
                }
                Ok(true)
            }
            Err(error) => self.passing_over.pass(&*self.rows, error, (team, check)).await,
        }
    }

    async fn take_one(&self, event: &CheckEvent) -> Result<RowRead, StoreError> {
        let settings = self.settings.get(&event.team.to_string()).unwrap_or_default();
        if Over::of(&settings, &event.check, event.ended_at).is_some() {
            return Ok(Ok(false));
        }
        let key = check_track_key(event.team, &event.check);
        let mut kept = match self.read(&key).await {
            Ok(kept) => kept.unwrap_or_default(),
            Err(error) => return Ok(Err(error)),
        };
        if !kept.is_news(event) {
            return Ok(Ok(true));
        }
        let before = kept.track.open().copied();
        let mut messages = Vec::new();
        let edges = kept.apply(event, &settings, &mut messages);
        let what = Changed { before, edges: &edges, messages: &messages };
        self.write_incident((event.team, event.check.as_str(), &event.agent), what, kept.last.as_ref()).await?;
        self.write(key, &kept).await?;
        Ok(Ok(true))
    }

    /// Resolves the incidents of checks that are over, as of the watermark. A team is looked at after a start, and when
    /// what it has set has changed.
    ///
    /// # Errors
    /// [`StoreError`]: the next call resolves what this one has not.
    pub async fn end(&mut self, as_of: Timestamp) -> Result<(), StoreError> {
        let there: HashMap<SmolStr, Arc<TeamSettings>> = self.settings.all().into_iter().collect();
        // A team that has nothing set any more has no checks either.
        let gone: Vec<SmolStr> = self.looked_at.keys().filter(|space| !there.contains_key(*space)).cloned().collect();
        for space in gone {
            self.end_of_team(&space, &TeamSettings::default(), as_of).await?;
            self.looked_at.remove(&space);
        }
        let mut left = TEAMS_AT_ONCE;
        for (space, settings) in there {
            let is_known = self.looked_at.get(&space).is_some_and(|known| is_same(known, &settings));
            if !is_known && left == 0 {
                continue;
            }
            if !is_known {
                left -= 1;
                self.end_of_team(&space, &settings, as_of).await?;
            }
            self.looked_at.insert(space, settings);
        }
        Ok(())
    }

    async fn end_of_team(&mut self, space: &str, settings: &TeamSettings, as_of: Timestamp) -> Result<(), StoreError> {
        let Ok(team) = TeamId::parse(space) else { return Ok(()) };
        for check in checks_in_trouble(&*self.rows, team).await? {
            let read = self.end_one(team, settings, &check, as_of).await?;
            self.is_done(read, team, &check).await?;
        }
        self.passing_over.end()
    }

    async fn end_one(
        &self,
        team: TeamId,
        settings: &TeamSettings,
        check: &str,
        as_of: Timestamp,
    ) -> Result<RowRead, StoreError> {
        let key = check_track_key(team, check);
        let mut kept = match self.read(&key).await {
            Ok(Some(kept)) => kept,
            Ok(None) => return Ok(Ok(true)),
            Err(error) => return Ok(Err(error)),
        };
        let Some(over) = kept.last_failed().and_then(|at| Over::of(settings, check, at)) else {
            return Ok(Ok(true));
        };
        let at = match over {
            Over::Since(at) => at,
            Over::Removed => {
                if kept.removed_at.is_none() {
                    (kept.removed_at, kept.rank) = (Some(as_of), kept.rank + 1);
                    self.write(key.clone(), &kept).await?;
                    // Someone else may have been first.
                    kept = self.read(&key).await?.unwrap_or(kept);
                }
                kept.removed_at.unwrap_or(as_of)
            }
        };
        let before = kept.track.open().copied();
        let mut messages = Vec::new();
        let edge = kept.end((team, check), at, &mut messages);
        if let (Some(edge), Some(open)) = (edge, before) {
            let agent = match self.agent_of(team, &kept, &open).await {
                Ok(agent) => agent,
                Err(error) => return Ok(Err(error)),
            };
            if let Some(agent) = agent {
                let what = Changed { before, edges: &[edge], messages: &messages };
                self.write_incident((team, check, &agent), what, kept.last.as_ref()).await?;
            }
        }
        self.write(key, &kept).await?;
        Ok(Ok(true))
    }

    /// The agent's key, also of a row of an earlier build, as long as the incident is kept.
    async fn agent_of(&self, team: TeamId, kept: &CheckTrack, open: &OpenIncident) -> Result<Option<Slug>, StoreError> {
        match kept.last.as_ref().and_then(|last| last.agent.clone()) {
            Some(agent) => Ok(Some(agent)),
            None => Ok(IncidentDoc::read(&*self.rows, team, open.id).await?.map(|incident| incident.agent)),
        }
    }

    /// Messages first, then the incidents.
    async fn write_incident(
        &self,
        (team, check, agent): (TeamId, &str, &Slug),
        Changed { before, edges, messages }: Changed<'_>,
        last: Option<&Last>,
    ) -> Result<(), StoreError> {
        let event = |message: &AlertMessage| AlertEvent::of_message(team, agent.clone(), message, data(check, last));
        let events: Vec<AlertEvent> = messages.iter().map(event).collect();
        self.outbox.put(&events).await?;
        let now = self.clock.now();
        for edge in edges {
            // A recovery has no open incident any more: its origin is that of before.
            let origin = before.map_or(edge.origin, |open| open.origin);
            let rows = IncidentDoc::of(edge, agent, origin).rows(team);
            self.rows.put(Arc::new(rows.to_vec()), now).await?;
        }
        Ok(())
    }

    async fn read(&self, key: &RowKey) -> Result<Option<CheckTrack>, StoreError> {
        let found = self.rows.get(std::slice::from_ref(key)).await?.into_iter().next().flatten();
        found.map(|doc| serde_json::from_slice(&doc).map_err(|error| broken(&error))).transpose()
    }

    async fn write(&self, key: RowKey, kept: &CheckTrack) -> Result<(), StoreError> {
        let doc = serde_json::to_vec(kept).map_err(|error| broken(&error))?;
        let row = RowWrite { key, rank: kept.rank, doc: Some(doc) };
        self.rows.put(Arc::new(vec![row]), self.clock.now()).await
    }
}

/// Whether both say the same of checks and of deletions. A copy is made anew once a minute, also where nothing changes.
fn is_same(one: &Arc<TeamSettings>, other: &Arc<TeamSettings>) -> bool {
    Arc::ptr_eq(one, other) || (one.checks == other.checks && one.agents == other.agents)
}

/// What has become of a check's incident.
struct Changed<'c> {
    /// As it was open before.
    before: Option<OpenIncident>,
    edges: &'c [IncidentEdge],
    messages: &'c [AlertMessage],
}

/// What messages say of a check's last result.
fn data(check: &str, last: Option<&Last>) -> Map<String, Value> {
    let mut data: Map<String, Value> = Map::new();
    let name = last.and_then(|last| last.check_name.as_deref()).unwrap_or(check);
    data.insert("check".to_owned(), name.into());
    if let Some(last) = last {
        data.insert("run_id".to_owned(), last.run.as_str().into());
        let outcome = if last.outcome == CheckOutcome::Fail { "fail" } else { "pass" };
        data.insert("outcome".to_owned(), outcome.into());
    }
    data
}

fn broken(error: &serde_json::Error) -> StoreError {
    let text = format!("what is known of a check cannot be read: {error}");
    StoreError::Broken(FailureCause::new(FailureKind::Broken, text))
}

#[cfg(test)]
mod tests {
    use tidegate_agentping_pulse::IncidentOrigin;
    use tidegate_agentping_pulse::incident::track::InARow;
    use tidegate_agentping_verdicts::check_tracks::open_incidents_of_checks;
    use tidegate_inproc::clock::TestClock;
    use tidegate_inproc::rows::MemoryRows;
    use tidegate_kernel::Region;

    use super::super::track::subject_of;
    use super::*;

    /// Whoever lists open incidents reads the part of the row that it knows.
    #[tokio::test]
    async fn the_open_incident_of_a_check_is_found_in_its_row() {
        let (team, at) = (TeamId::from_bits(Region::Eu, 1), Timestamp::from_millis(1_800_000_000_000));
        let rows = MemoryRows::new(Arc::new(TestClock::at(at)));
        let mut kept = CheckTrack { rank: 1, ..CheckTrack::default() };
        let subject = subject_of(team, "check", 0);
        kept.track.bad(&subject, InARow::ONE, IncidentOrigin::Slot(at), at).unwrap();
        let write = |kept: &CheckTrack| {
            let doc = Some(serde_json::to_vec(kept).unwrap());
            Arc::new(vec![RowWrite { key: check_track_key(team, "check"), rank: kept.rank, doc }])
        };
        rows.put(write(&kept), at).await.unwrap();
        let open = open_incidents_of_checks(&rows, team).await.unwrap();
        assert_eq!(open, Vec::from_iter(kept.track.open().copied()));
        assert_eq!(checks_in_trouble(&rows, team).await.unwrap(), ["check"]);
        kept.track.good(&subject, InARow::ONE, IncidentOrigin::Slot(at), at).unwrap();
        kept.rank = 2;
        rows.put(write(&kept), at).await.unwrap();
        assert!(open_incidents_of_checks(&rows, team).await.unwrap().is_empty());
        assert!(checks_in_trouble(&rows, team).await.unwrap().is_empty());
    }
}
