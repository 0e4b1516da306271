//! AgentPing's records, looked up among the stored runs.

use std::sync::Arc;

use async_trait::async_trait;
use tidegate_agentping::Record;
use tidegate_agentping_ports::{NotedAccounts, RunWanted, StoredSummary};
use tidegate_conservation::{LookUp, LookedUp};
use tidegate_kernel::Position;
use tidegate_ports::{Clock, Consumed, StoreError};

use super::verdict::{Looked, Verdict};

/// The runs as they are stored, and the notes about records that were not simply stored.
pub struct StoredRuns {
    pub accounts: Arc<dyn NotedAccounts>,
    pub stored: Arc<dyn StoredSummary>,
    pub clock: Arc<dyn Clock>,
}

#[async_trait]
impl LookUp for StoredRuns {
    async fn look_up(&self, records: Vec<Consumed>) -> Result<Vec<LookedUp>, StoreError> {
        let positions: Vec<Position> = records.iter().map(|one| one.position).collect();
        let notes = self.accounts.notes(&positions).await?;
        let mut judged = Vec::new();
        for (one, note) in records.into_iter().zip(&notes) {
            // What cannot be read was not stored: its note may have ended.
            let Ok(record) = Record::decode(&one.payload) else { continue };
            let stored = self.stored.stored(RunWanted::of(&record)).await?;
            let key = record.key();
            let about = vec![("team", key.team.to_string()), ("run", key.run.to_string())];
            let (position, appended_at, note) = (one.position, one.appended_at, note.as_ref());
            let found = match (Looked { record, position, appended_at, note, stored }).verdict(self.clock.now()) {
                Verdict::Found => true,
                Verdict::Missing => false,
                Verdict::NotJudged => continue,
            };
            judged.push(LookedUp { position, about, found });
        }
        Ok(judged)
    }
}
