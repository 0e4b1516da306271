//! Applying one batch: bury what cannot be applied, load, fold, note, save. Counting what became of it comes last.
//!
//! The order is what makes accounts exact. A note is there before its run says that the record was folded; a run is
//! saved before its records are counted; and the persister settles what is counted before it commits.

use std::sync::Arc;

use tidegate_domain::{Partition, Position};
use tidegate_ports::{
    Account, Accounts, Clock, Consumed, DeadLetter, DeadLetters, Halt, Note, ReadLag, Runs, StoreError,
};

use crate::backoff::Backoff;
use crate::batch::Batch;
use crate::brake::{Brake, BrakeRules, Tripped};
use crate::tally::Tally;

/// What every lane needs.
pub(crate) struct Applier {
    pub runs: Arc<dyn Runs>,
    pub accounts: Arc<dyn Accounts>,
    pub dead_letters: Arc<dyn DeadLetters>,
    pub clock: Arc<dyn Clock>,
    /// Where the log ends; `None`: it is never another one than before.
    pub ends: Option<Arc<dyn ReadLag>>,
    pub brake: BrakeRules,
    pub tally: Tally,
}

/// What one assignment of a partition remembers from batch to batch.
pub(crate) struct Progress {
    partition: Partition,
    brake: Brake,
    /// Read with the first batch.
    account: Option<Account>,
    /// The offset after the last batch.
    read_to: Option<i64>,
}

impl Progress {
    pub fn new(partition: Partition, brake: BrakeRules) -> Self {
        Progress { partition, brake: Brake::new(brake), account: None, read_to: None }
    }
}

/// What was done of a batch.
#[derive(Debug)]
pub(crate) struct Applied {
    /// Stored, or buried with their letters acknowledged; in log order.
    pub offsets: Vec<i64>,
    /// What became of everything up to here.
    pub account: Account,
    /// The rest of the batch is not done, nor is anything after it to be.
    pub tripped: Option<Tripped>,
}

impl Applier {
    /// Applies one batch, however long the store is away. A store outage never dead-letters.
    pub async fn apply(&self, consumed: Vec<Consumed>, progress: &mut Progress) -> Option<Applied> {
        let first = consumed.first()?.position;
        let mut account = self.account(first, progress).await;
        let read_to = progress.read_to.replace(consumed.last()?.position.offset + 1);
        if read_to != Some(first.offset)
            && let Some(tripped) = self.went_back(first, &account).await
        {
            return Some(Applied { offsets: Vec::new(), account, tripped: Some(tripped) });
        }
        let mut batch = Batch::decode(consumed, &mut progress.brake);
        let tripped = batch.tripped;
        for (record, reason) in std::mem::take(&mut batch.poison) {
            self.bury(record, reason).await;
        }
        let wanted = batch.wanted();
        let stored = match wanted.is_empty() {
            true => Vec::new(),
            false => self.until_done("load", || self.runs.load(&wanted)).await,
        };
        let mut folded = batch.fold(stored);
        let untold = folded.untold(&account);
        let noted: Vec<Option<Note>> = match untold.is_empty() {
            true => Vec::new(),
            false => self.until_done("read notes", || self.accounts.notes(&untold)).await,
        };
        let notes = Arc::new(folded.notes(&account));
        if !notes.is_empty() {
            self.until_done("note", || self.accounts.note(notes.clone())).await;
        }
        let writes = Arc::new(std::mem::take(&mut folded.writes));
        #[cfg(feature = "fail-points")]
        crate::fail_points::between_items(&*self.runs, &writes).await;
        if !writes.is_empty() {
            self.until_done("save", || self.runs.save(writes.clone())).await;
        }
        #[cfg(feature = "fail-points")]
        fail::fail_point!("persister::between_save_and_commit", |_| std::process::abort());
        folded.count(&mut account, &noted);
        progress.account = Some(account);
        self.tally.count(folded.done().map(|(_, fate)| fate));
        Some(Applied { offsets: folded.done().map(|(offset, _)| offset).collect(), account, tripped })
    }

    /// The partition's account as its last owner settled it, or one that begins with this record.
    async fn account(&self, first: Position, progress: &Progress) -> Account {
        if let Some(account) = progress.account.filter(|account| account.generation == first.generation) {
            return account;
        }
        let read = || self.accounts.account(first.generation, progress.partition);
        let settled = self.until_done("read the account", read).await;
        settled.unwrap_or_else(|| Account::opened(first.generation, progress.partition, first.offset))
    }

    /// Whether records at places that are accounted for are others than those that were applied there. Records come again
    /// after a crash, or when the group has lost its offsets; the log's end then lies where it was, or further on.
    async fn went_back(&self, first: Position, account: &Account) -> Option<Tripped> {
        let ends = self.ends.as_ref().filter(|_| first.offset < account.next_offset)?;
        let account = std::slice::from_ref(account);
        let mut backoff = Backoff::new("find the log's end", &self.tally);
        let lags = loop {
            match ends.partitions(account).await {
                Ok(lags) => break lags,
                Err(error) => backoff.wait(&error).await,
            }
        };
        let lag = lags.into_iter().find(|lag| lag.partition == first.partition)?;
        lag.went_back().then_some(Tripped::LogWentBack { accounted: lag.accounted, end: lag.end })
    }

    /// States a halt, however long the store is away.
    pub async fn halt(&self, halt: Halt) {
        self.until_done("halt", || self.accounts.halt(halt)).await;
    }

    /// Settles an account, however long the store is away.
    pub async fn settle(&self, account: Account) {
        self.until_done("settle", || self.accounts.settle(account)).await;
    }

    async fn until_done<T, F>(&self, step: &'static str, attempt: impl Fn() -> F) -> T
    where
        F: Future<Output = Result<T, StoreError>>,
    {
        let mut backoff = Backoff::new(step, &self.tally);
        loop {
            match attempt().await {
                Ok(done) => return done,
                Err(error) => backoff.wait(&error).await,
            }
        }
    }

    /// Returns once the letter is acknowledged.
    async fn bury(&self, record: Consumed, reason: String) {
        tracing::error!(position = %record.position, reason, "a record cannot be applied; it goes to the dead letters");
        let letter = DeadLetter {
            position: record.position,
            appended_at: record.appended_at,
            buried_at: self.clock.now(),
            reason,
            payload: record.payload,
            provenance: record.provenance.map(|provenance| *provenance).unwrap_or_default(),
        };
        let mut backoff = Backoff::new("bury", &self.tally);
        while let Err(error) = self.dead_letters.bury(letter.clone()).await {
            backoff.wait(&error).await;
        }
    }
}
