//! Saving, and what the store refuses for good: the records that are the cause become dead letters, and the partition
//! continues. Where nothing may be dead-lettered, the partition is halted.

use std::sync::Arc;

use tidegate_ports::{Fate, StoreError};

use crate::applier::Applier;
use crate::apply::{Apply, Poison};
use crate::backoff::Backoff;
use crate::batch::{Batch, Folded};
use crate::brake::Tripped;
use crate::group::RecordFate;
use crate::halting::Halting;
use crate::opened::{Assigned, Opened};
use crate::store_seen::StoreSeen;

/// A change that is refused so often in a row, over about a second, will always be.
const REFUSALS: u32 = 5;

impl<A: Apply> Applier<A> {
    /// Takes the changes and saves them, however long the store is down. Returns the keys whose changes it refuses, and
    /// what it says.
    pub async fn save(&self, folded: &mut Folded<A>) -> Vec<(A::Key, String)> {
        let changes = Arc::new(std::mem::take(&mut folded.changes));
        let Some(seen) = folded.seen.filter(|_| !changes.is_empty()) else { return Vec::new() };
        let Err(why) = self.save_or_refuse(&changes, seen).await else { return Vec::new() };
        if let [only] = &changes[..] {
            return vec![(A::key_of(only), why)];
        }
        let mut refused = Vec::new();
        for change in changes.iter() {
            if let Err(why) = self.save_or_refuse(&Arc::new(vec![change.clone()]), seen).await {
                refused.push((A::key_of(change), why));
            }
        }
        refused
    }

    async fn save_or_refuse(&self, changes: &Arc<Vec<A::Change>>, seen: StoreSeen) -> Result<(), String> {
        let mut backoff = Backoff::new("save", &self.metrics);
        let mut refusals = 0;
        loop {
            match self.apply.save(changes.clone(), seen).await {
                Ok(()) => return Ok(()),
                Err(StoreError::Refused(why)) if refusals + 1 == REFUSALS => return Err(why.to_string()),
                Err(error) => {
                    refusals = if matches!(error, StoreError::Refused(_)) { refusals + 1 } else { 0 };
                    backoff.wait(&error).await;
                }
            }
        }
    }

    /// Applies the records of these keys one by one: those that are refused alone are the cause. Returns how many.
    ///
    /// # Errors
    /// None of them may be dead-lettered: the partition is halted.
    pub async fn sort_out(
        &self,
        assigned: &Assigned<A>,
        refused: Vec<(A::Key, String)>,
        folded: &mut Folded<A>,
        opened: &mut Opened,
    ) -> Result<u32, Halting> {
        let offset = folded.first_offset().unwrap_or(opened.account.next_offset);
        if matches!(self.poison, Poison::Halt(_)) {
            for (_, why) in refused {
                tracing::error!(
                    partition = assigned.of.partition,
                    reason = why,
                    "the store refuses a change; its partition is halted"
                );
            }
            let halting = Halting { tripped: Tripped::Refused, offset };
            opened.halted = Some(halting);
            return Err(halting);
        }
        let mut causes = 0;
        for (place, record) in folded.take_sources(|key| refused.iter().any(|(refused, _)| *refused == key)) {
            let (position, appended_at) = (record.position, record.appended_at);
            let alone = Batch::decode(&self.apply, vec![record.clone()], &self.intake(), &mut self.passed_brake());
            let loaded = loop {
                match self.load(assigned, &alone, opened).await {
                    Ok(loaded) => break loaded,
                    Err(went_back) => self.read_again(assigned, opened, went_back).await,
                }
            };
            let mut alone = match alone.fold(&self.apply, loaded, false) {
                Ok(alone) => alone,
                Err(stopped) => {
                    tracing::error!(%position, reason = stopped.stop.reason, "a record cannot be folded; its partition is halted");
                    let halting = Halting { tripped: Tripped::Stopped, offset };
                    opened.halted = Some(halting);
                    return Err(halting);
                }
            };
            let (key, mut fate) = alone.only();
            if let Some((_, why)) = self.save(&mut alone).await.pop() {
                self.dead_letter(record, why).await;
                fate = Some(Fate::Dead);
                causes += 1;
            }
            let Some(fate) = fate else { continue };
            folded.set_fate(place, fate);
            if fate != Fate::Stored {
                let ended = [RecordFate { position, appended_at, key, fate }];
                self.until_done("note", || self.apply.record_fates(&ended)).await;
            }
        }
        Ok(causes)
    }
}
