//! Applying one batch: dead-letter what cannot be applied, load, fold, record fates, save. Counting what became of the
//! records comes last.
//!
//! The order is what makes accounts exact. A record's fate is recorded before its change says that the record was
//! folded; a change is saved before its records are counted; and what is counted is settled before it is committed.
//!
//! Between load and fold the store is asked whether a server of it has started again. If so, what was loaded may lack
//! what was acknowledged, and nothing is built upon it before that is [read again](crate::reread). The answer goes with
//! the batch to its save.

use std::collections::HashMap;
use std::sync::Arc;

use tidegate_kernel::Position;
use tidegate_ports::{Account, Accounts, Clock, Consumed, DeadLetter, Fate, Halt, ReadLag, ReadLog, StoreError};
use tokio::time::Instant;

use crate::apply::{Apply, Poison};
use crate::backoff::Backoff;
use crate::batch::{Batch, Folded, Intake};
use crate::brake::{Brake, BrakeRules};
use crate::halting::{DecodingStop, Halting};
use crate::metrics::ConsumerMetrics;
use crate::opened::{Assigned, LaneState, Opened, WentBack};
use crate::parts::Parts;
use crate::store_seen::StoreSeen;
use crate::void_records::VoidRecords;

/// What every lane needs.
pub(crate) struct Applier<A> {
    pub apply: A,
    pub poison: Poison,
    pub voids: VoidRecords,
    pub max_records_of_key: Option<usize>,
    pub accounts: Arc<dyn Accounts>,
    /// To read again what the store has lost; `None` where it cannot lose anything.
    pub log: Option<Arc<dyn ReadLog>>,
    pub clock: Arc<dyn Clock>,
    /// Where the log ends; `None` where the log cannot be replaced by another one.
    pub ends: Option<Arc<dyn ReadLag>>,
    pub brake: BrakeRules,
    pub metrics: ConsumerMetrics,
}

/// What was done of a batch.
#[derive(Debug)]
pub(crate) struct Applied {
    /// Saved, or their dead letters acknowledged; in log order.
    pub offsets: Vec<i64>,
    /// Counts everything up to here.
    pub account: Account,
    /// The rest of the batch is not done, and nothing after it may be.
    pub halting: Option<Halting>,
    /// The records that are not done, in log order.
    pub rest: Vec<Consumed>,
}

impl<A: Apply> Applier<A> {
    /// Applies one batch, however long the store is down. A store outage never dead-letters.
    pub async fn apply(&self, consumed: Vec<Consumed>, state: &mut LaneState<A>) -> Option<Applied> {
        let first = consumed.first()?.position;
        let mut opened = self.open(first, state).await;
        let read_to = state.read_to.replace(consumed.last()?.position.offset + 1);
        if opened.halted.is_none() && read_to != Some(first.offset) {
            opened.halted = self.went_back(first, &opened.account).await;
        }
        let applied = match opened.halted {
            None => self.apply_opened(consumed, state, &mut opened).await,
            halting => Applied { offsets: Vec::new(), account: opened.account, halting, rest: consumed },
        };
        state.opened = Some(opened);
        Some(applied)
    }

    async fn apply_opened(&self, consumed: Vec<Consumed>, state: &mut LaneState<A>, opened: &mut Opened) -> Applied {
        let mut offsets = Vec::with_capacity(consumed.len());
        let (mut parts, mut halting) = (Parts::of(consumed), None);
        while halting.is_none()
            && let Some(part) = parts.next()
        {
            self.register_before(&part.records).await;
            let mut passed = self.passed_brake();
            let brake = if part.is_passed { &mut passed } else { &mut state.brake };
            let mut batch = Batch::decode(&self.apply, part.records, &self.intake(), brake);
            let tripped = batch.tripped.take().map(DecodingStop::into_halting);
            for (record, reason) in std::mem::take(&mut batch.poison) {
                self.dead_letter(record, reason).await;
            }
            parts.put_back(std::mem::take(&mut batch.rest), false);
            let Some(loaded) = self.load_or_put_back(&state.assigned, &batch, opened).await else {
                parts.put_back(batch.into_records(), true);
                halting = opened.halted;
                continue;
            };
            match batch.fold(&self.apply, loaded, false) {
                Err(stopped) => halting = parts.split(stopped),
                Ok(mut folded) => match self.keep(&state.assigned, &mut folded, opened, false).await {
                    Err(refused) => {
                        halting = Some(refused);
                        parts.put_back(folded.into_records(), true);
                    }
                    Ok(refused) => {
                        halting = tripped;
                        for _ in 0..refused {
                            let offset = opened.account.next_offset;
                            halting = state.brake.take(true).map(|tripped| Halting { tripped, offset }).or(halting);
                        }
                        self.metrics.count(folded.done().map(|(_, fate)| fate));
                        offsets.extend(folded.done().map(|(offset, _)| offset));
                    }
                },
            }
        }
        Applied { offsets, account: self.checked(opened), halting, rest: parts.into_records() }
    }

    /// What a batch takes.
    pub fn intake(&self) -> Intake {
        Intake { voids: self.voids.known(), max_records_of_key: self.max_records_of_key }
    }

    /// Registers the release where that is due before these records are applied.
    pub async fn register_before(&self, records: &[Consumed]) {
        let Some(appended_at) = records.iter().map(|one| one.appended_at).max() else { return };
        if self.voids.are_due(appended_at) {
            self.until_done("register the release", || self.voids.read_before(appended_at)).await;
        }
    }

    /// What is stored of the batch's keys, once the store has everything again. `None`: the partition is halted, or the
    /// batch is to be decoded again, since the store has started again: it may have lost the registration of this
    /// release, and records of the batch may have become void.
    async fn load_or_put_back(
        &self,
        assigned: &Assigned<A>,
        batch: &Batch<A>,
        opened: &mut Opened,
    ) -> Option<Option<(A::Loaded, StoreSeen)>> {
        loop {
            match self.load(assigned, batch, opened).await {
                Ok(loaded) => return Some(loaded),
                Err(went_back) => self.read_again(assigned, opened, went_back).await,
            }
            // Where records can be void, none of the batch is a dead letter already.
            if opened.halted.is_some() || self.voids.can_end_halts() {
                return None;
            }
        }
    }

    /// What is stored of the batch's keys, by a store that has lost nothing since; `None`: the batch has no keys.
    pub async fn load(
        &self,
        assigned: &Assigned<A>,
        batch: &Batch<A>,
        opened: &mut Opened,
    ) -> Result<Option<(A::Loaded, StoreSeen)>, WentBack> {
        if batch.groups.is_empty() {
            return Ok(None);
        }
        // Before the load, so that a save asks again where the two together take long.
        let at = Instant::now();
        let loaded = {
            let load = || self.apply.load(&assigned.assignment, &batch.groups, &batch.entries);
            self.until_done("load", load).await
        };
        // Asked after the whole load, also where the product had everything in memory. A server changes its number
        // before it answers clients: so if a server that had lost something answered the load, or lost what is in
        // memory, this answer differs. An answer from before the load, or from during it, would miss a start after it.
        // If the store goes back after this answer, the batch is still folded onto what was acknowledged. Only a change
        // that says what else is stored may not be saved then: by `StoreSeen`, a save finds out.
        let asked_at = Instant::now();
        match self.until_done("ask for starts", || self.apply.starts()).await {
            starts if starts == opened.starts => {
                opened.window.confirmed(asked_at);
                Ok(Some((loaded, StoreSeen { starts, at })))
            }
            starts => Err(WentBack { starts }),
        }
    }

    /// Records fates, saves what was folded, and counts it. Where records are read again, what was recorded may be
    /// lost, too. Returns how many records the store refused.
    ///
    /// # Errors
    /// The store refuses what may not be dead-lettered: the partition is halted, and nothing is counted.
    pub async fn keep(
        &self,
        assigned: &Assigned<A>,
        folded: &mut Folded<A>,
        opened: &mut Opened,
        again: bool,
    ) -> Result<u32, Halting> {
        let not_yet_counted = folded.not_yet_counted(&opened.account);
        let recorded: HashMap<Position, Fate> = match not_yet_counted.is_empty() {
            true => HashMap::new(),
            false => {
                let fates = self.until_done("read notes", || self.apply.recorded_fates(&not_yet_counted)).await;
                not_yet_counted.into_iter().zip(fates).filter_map(|(position, fate)| Some((position, fate?))).collect()
            }
        };
        let to_record = folded.fates_to_record(&opened.account, again);
        if !to_record.is_empty() {
            self.until_done("note", || self.apply.record_fates(&to_record)).await;
        }
        #[cfg(feature = "fail-points")]
        crate::fail_points::between_items(&self.apply, &folded.changes, folded.seen).await;
        let refused = self.save(folded).await;
        let refused = match refused.is_empty() {
            true => 0,
            false => self.sort_out(assigned, refused, folded, opened).await?,
        };
        #[cfg(feature = "fail-points")]
        fail::fail_point!("persister::between_save_and_commit", |_| std::process::abort());
        folded.count(&mut opened.account, &recorded);
        opened.window.saved(Instant::now(), opened.account.next_offset);
        Ok(refused)
    }

    /// The brake of a partition that is assigned now.
    pub fn new_brake(&self) -> Brake {
        self.brake_by(self.brake)
    }

    /// A brake for records that passed one before.
    pub fn passed_brake(&self) -> Brake {
        self.brake_by(BrakeRules::OFF)
    }

    fn brake_by(&self, rules: BrakeRules) -> Brake {
        match self.poison {
            Poison::DeadLetter(_) => Brake::new(rules),
            Poison::Halt(_) => Brake::at_first(),
        }
    }

    /// States a halt, however long the store is down.
    pub async fn halt(&self, halt: Halt) {
        self.until_done("halt", || self.accounts.halt(halt)).await;
    }

    /// Settles an account, however long the store is down.
    pub async fn settle(&self, account: Account) {
        self.until_done("settle", || self.accounts.settle(account)).await;
    }

    pub(crate) async fn until_done<T, F>(&self, step: &'static str, attempt: impl Fn() -> F) -> T
    where
        F: Future<Output = Result<T, StoreError>>,
    {
        let mut backoff = Backoff::new(step, &self.metrics);
        loop {
            match attempt().await {
                Ok(done) => return done,
                Err(error) => backoff.wait(&error).await,
            }
        }
    }

    /// Returns once the dead letter is acknowledged.
    pub(crate) async fn dead_letter(&self, record: Consumed, reason: String) {
        let Poison::DeadLetter(dead_letters) = &self.poison else { return };
        tracing::error!(position = %record.position, reason, "a record cannot be applied; it goes to the dead letters");
        let dead_letter = DeadLetter {
            position: record.position,
            appended_at: record.appended_at,
            dead_lettered_at: self.clock.now(),
            reason,
            payload: record.payload,
            provenance: record.provenance.map(|provenance| *provenance).unwrap_or_default(),
        };
        let mut backoff = Backoff::new("dead-letter", &self.metrics);
        while let Err(error) = dead_letters.append(dead_letter.clone()).await {
            backoff.wait(&error).await;
        }
    }
}
