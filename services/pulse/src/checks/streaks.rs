//! How often in a row a check failed: an incident opens after so many failures, and resolves with the next pass.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use tidegate_agentping::RunId;
use tidegate_agentping_checks::CheckOutcome;
use tidegate_agentping_pulse::IncidentId;
use tidegate_kernel::{Id, SmolStr, Timestamp};
use tidegate_ports::{Meeting, RowKey, RowTable, RowWrite, Rows, StoreError};

use super::runner::{CheckEvent, broken};

/// A row for each check, in a shard for each team. What is lost of it is made anew by the next runs.
pub static CHECK_STREAKS: RowTable = RowTable { name: "check_streaks", keep_days: 400, meeting: Meeting::HigherRank };

/// Outcomes that are kept beyond those that an incident needs: a run may be judged again.
const EXTRA: usize = 20;

/// The last outcomes of a check, in the order in which the runs ended.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Streak {
    outcomes: Vec<Judged>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    open: Option<OpenFailure>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Judged {
    #[serde(rename = "at_ms")]
    ended_at: Timestamp,
    run: RunId,
    failed: bool,
}

/// An incident of a check that is open.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenFailure {
    pub id: IncidentId,
    /// The run that opened it.
    pub run: RunId,
    #[serde(rename = "opened_at_ms")]
    pub opened_at: Timestamp,
}

/// What becomes of a check's incident.
#[derive(Clone, Debug, PartialEq)]
pub struct CheckEdge {
    /// What the run said that opens or resolves it.
    pub event: CheckEvent,
    pub incident: OpenFailure,
    pub is_resolved: bool,
}

impl Streak {
    /// Takes what a check said of a run, for the first time or again.
    pub fn take(&mut self, event: &CheckEvent) -> Option<CheckEdge> {
        let failed = match event.outcome {
            CheckOutcome::Fail => true,
            CheckOutcome::Pass => false,
            // It says neither.
            CheckOutcome::Error | CheckOutcome::Skipped => return None,
        };
        let judged = Judged { ended_at: event.ended_at, run: event.run.run, failed };
        let place = (judged.ended_at, judged.run);
        match self.outcomes.binary_search_by_key(&place, |known| (known.ended_at, known.run)) {
            Ok(at) => self.outcomes[at] = judged,
            Err(at) => self.outcomes.insert(at, judged),
        }
        let wanted = usize::from(event.alert_after.max(1));
        let over = self.outcomes.len().saturating_sub(wanted + EXTRA);
        self.outcomes.drain(..over);
        let in_a_row = self.outcomes.iter().rev().take_while(|judged| judged.failed).count();
        match &self.open {
            Some(open) if in_a_row == 0 => {
                let edge = CheckEdge { event: event.clone(), incident: open.clone(), is_resolved: true };
                self.open = None;
                Some(edge)
            }
            None if in_a_row >= wanted => {
                // The same run opens it, whenever it is looked at.
                let opening = self.outcomes.len() - in_a_row + wanted - 1;
                let Judged { ended_at, run, .. } = self.outcomes.get(opening)?.clone();
                let open = OpenFailure { id: incident_of(event, run), run, opened_at: ended_at };
                self.open = Some(open.clone());
                Some(CheckEdge { event: event.clone(), incident: open, is_resolved: false })
            }
            _ => None,
        }
    }
}

/// The incident of a check that a run opens: the same, whoever finds it.
fn incident_of(event: &CheckEvent, run: RunId) -> IncidentId {
    let mut hash = Sha256::new();
    let parts = [b"check incident".as_slice(), event.check.as_bytes(), &run.bits().to_be_bytes()];
    for part in parts {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    let hash: [u8; 32] = hash.finalize().into();
    let bits = hash.iter().take(16).fold(0, |bits, byte| bits << 8 | u128::from(*byte));
    Id::from_bits(event.team.region(), bits)
}

/// Takes events in the order in which their runs ended, on top of what is stored. What it answers is to be told before
/// [`Taken::store`].
///
/// # Errors
/// [`StoreError`].
pub async fn take_all(rows: &dyn Rows, events: &[CheckEvent]) -> Result<Taken, StoreError> {
    let mut sorted: Vec<&CheckEvent> = events.iter().collect();
    sorted.sort_by_key(|event| (event.ended_at, event.run.run));
    let mut keys: Vec<RowKey> = Vec::new();
    for event in &sorted {
        let key = key_of(event);
        if !keys.contains(&key) {
            keys.push(key);
        }
    }
    let found = rows.get(&keys).await?;
    let read = |doc: Option<Vec<u8>>| doc.and_then(|doc| serde_json::from_slice(&doc).ok()).unwrap_or_default();
    let mut streaks: Vec<(RowKey, Streak)> = keys.into_iter().zip(found.into_iter().map(read)).collect();
    let mut edges = Vec::new();
    for event in sorted {
        let key = key_of(event);
        let streak = streaks.iter_mut().find(|(known, _)| *known == key);
        edges.extend(streak.and_then(|(_, streak)| streak.take(event)));
    }
    Ok(Taken { edges, streaks })
}

fn key_of(event: &CheckEvent) -> RowKey {
    RowKey { table: &CHECK_STREAKS, shard: SmolStr::from(event.team.to_string()), row: event.check.clone() }
}

/// What events came to.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Taken {
    pub edges: Vec<CheckEdge>,
    streaks: Vec<(RowKey, Streak)>,
}

impl Taken {
    /// Stores what the next events build on.
    ///
    /// # Errors
    /// [`StoreError`]; the same events come to the same once more.
    pub async fn store(&self, rows: &dyn Rows, now: Timestamp) -> Result<(), StoreError> {
        if self.streaks.is_empty() {
            return Ok(());
        }
        let rank = u64::try_from(now.as_millis()).unwrap_or_default();
        let write = |(key, streak): &(RowKey, Streak)| {
            let doc = serde_json::to_vec(streak).map_err(|error| broken(&error))?;
            Ok(RowWrite { key: key.clone(), rank, doc: Some(doc) })
        };
        let writes: Result<Vec<RowWrite>, StoreError> = self.streaks.iter().map(write).collect();
        rows.put(Arc::new(writes?), now).await
    }
}
