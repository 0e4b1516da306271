//! Saving, and what the store refuses for good: the records that are the cause become dead letters, and the partition
//! goes on.

use std::sync::Arc;

use tidegate_agentping::RunKey;
use tidegate_agentping_ports::{Note, RunWrite};
use tidegate_kernel::Partition;
use tidegate_ports::{Fate, StoreError};

use crate::apply::{Applier, Opened};
use crate::backoff::Backoff;
use crate::batch::{Batch, Folded};
use crate::brake::{Brake, BrakeRules};

/// A write that is refused so often in a row, over about a second, will always be.
const REFUSALS: u32 = 5;

impl Applier {
    /// Saves writes, however long the store is away. Returns the runs whose writes it refuses, and what it says.
    pub async fn save(&self, writes: Vec<RunWrite>) -> Vec<(RunKey, String)> {
        let writes = Arc::new(writes);
        let Err(why) = self.save_or_refuse(&writes).await else { return Vec::new() };
        if let [only] = &writes[..] {
            return vec![(only.key, why)];
        }
        let mut refused = Vec::new();
        for write in writes.iter() {
            if let Err(why) = self.save_or_refuse(&Arc::new(vec![write.clone()])).await {
                refused.push((write.key, why));
            }
        }
        refused
    }

    async fn save_or_refuse(&self, writes: &Arc<Vec<RunWrite>>) -> Result<(), String> {
        let mut backoff = Backoff::new("save", &self.tally);
        let mut refusals = 0;
        loop {
            match self.runs.save(writes.clone()).await {
                Ok(()) => return Ok(()),
                Err(StoreError::Refused(why)) if refusals + 1 == REFUSALS => return Err(why.to_string()),
                Err(error) => {
                    refusals = if matches!(error, StoreError::Refused(_)) { refusals + 1 } else { 0 };
                    backoff.wait(&error).await;
                }
            }
        }
    }

    /// Applies the records of these runs one by one: those that are refused alone are the cause. Returns how many.
    pub async fn sort_out(
        &self,
        partition: Partition,
        refused: Vec<(RunKey, String)>,
        folded: &mut Folded,
        opened: &mut Opened,
    ) -> u32 {
        let mut causes = 0;
        for (place, record) in folded.take_sources(|key| refused.iter().any(|(refused, _)| *refused == key)) {
            let (position, appended_at) = (record.position, record.appended_at);
            let alone = Batch::decode(vec![record.clone()], &mut Brake::new(BrakeRules::OFF));
            let stored = loop {
                match self.load(&alone, opened).await {
                    Ok(stored) => break stored,
                    Err(went_back) => self.read_again(partition, opened, went_back).await,
                }
            };
            let mut alone = alone.fold(stored, false);
            let (key, mut fate) = alone.only();
            if let Some((_, why)) = self.save(std::mem::take(&mut alone.writes)).await.pop() {
                self.bury(record, why).await;
                fate = Some(Fate::Dead);
                causes += 1;
            }
            let Some(fate) = fate else { continue };
            folded.set_fate(place, fate);
            if fate != Fate::Stored {
                let note = Arc::new(vec![Note { position, appended_at, key, fate }]);
                self.until_done("note", || self.accounts.note(note.clone())).await;
            }
        }
        causes
    }
}
