//! Applying one batch: bury what cannot be applied, load, fold, note, save. Counting what became of it comes last.
//!
//! The order is what makes accounts exact. A note is there before its run says that the record was folded; a run is
//! saved before its records are counted; and the persister settles what is counted before it commits.
//!
//! Between load and fold the store is asked whether a server of it has started again. If so, what was loaded may lack
//! what was acknowledged, and nothing is built upon it before that is [read again](crate::reread).

use std::sync::Arc;

use tidegate_agentping_ports::{Note, NotedAccounts, Runs, StoredRun};
use tidegate_kernel::{Partition, Position};
use tidegate_ports::{
    Account, Checkpoint, Clock, Consumed, DeadLetter, DeadLetters, Halt, ReadLag, ReadLog, StoreError,
};
use tokio::time::Instant;

use crate::backoff::Backoff;
use crate::batch::{Batch, Folded};
use crate::brake::{Brake, BrakeRules, Tripped};
use crate::tally::Tally;
use crate::window::Window;

/// What every lane needs.
pub(crate) struct Applier {
    pub runs: Arc<dyn Runs>,
    pub accounts: Arc<dyn NotedAccounts>,
    pub dead_letters: Arc<dyn DeadLetters>,
    /// To read again what the store has lost; `None` where it cannot lose anything.
    pub log: Option<Arc<dyn ReadLog>>,
    pub clock: Arc<dyn Clock>,
    /// Where the log ends; `None`: it is never another one than before.
    pub ends: Option<Arc<dyn ReadLag>>,
    pub brake: BrakeRules,
    pub tally: Tally,
}

/// What one assignment of a partition remembers from batch to batch.
pub(crate) struct Progress {
    pub(crate) partition: Partition,
    pub(crate) brake: Brake,
    /// Read with the first batch.
    pub(crate) opened: Option<Opened>,
    /// No batch has come, and the partition was looked at without one.
    pub(crate) is_looked_at: bool,
    /// The offset after the last batch.
    read_to: Option<i64>,
}

/// What a partition's records came to, and what of it the store may still lose.
pub(crate) struct Opened {
    pub account: Account,
    /// The store's servers had started so when everything that was acknowledged was certainly there.
    pub starts: u64,
    pub window: Window,
}

/// A server of the store has started again: what was loaded is not to be built upon.
#[derive(Clone, Copy, Debug)]
pub(crate) struct WentBack {
    pub starts: u64,
}

impl Progress {
    pub fn new(partition: Partition, brake: BrakeRules) -> Self {
        Progress { partition, brake: Brake::new(brake), opened: None, is_looked_at: false, read_to: None }
    }
}

impl Opened {
    /// As a former owner settled it, in a store whose servers have started so by now.
    pub fn settled(account: Account, starts: u64) -> Self {
        let window = Window::from(account.checkpoint.map_or(account.next_offset, |known| known.offset));
        // An account from before checkpoints says nothing of starts.
        let starts = account.checkpoint.map_or(starts, |known| known.starts);
        Opened { account, starts, window }
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
        let mut opened = self.open(first, progress).await;
        let read_to = progress.read_to.replace(consumed.last()?.position.offset + 1);
        if read_to != Some(first.offset)
            && let Some(tripped) = self.went_back(first, &opened.account).await
        {
            let account = opened.account;
            progress.opened = Some(opened);
            return Some(Applied { offsets: Vec::new(), account, tripped: Some(tripped) });
        }
        let mut batch = Batch::decode(consumed, &mut progress.brake);
        let mut tripped = batch.tripped;
        for (record, reason) in std::mem::take(&mut batch.poison) {
            self.bury(record, reason).await;
        }
        let stored = loop {
            match self.load(&batch, &mut opened).await {
                Ok(stored) => break stored,
                Err(went_back) => self.read_again(progress.partition, &mut opened, went_back).await,
            }
        };
        let (folded, refused) = self.keep(progress.partition, batch.fold(stored, false), &mut opened, false).await;
        for _ in 0..refused {
            tripped = progress.brake.take(true).or(tripped);
        }
        let account = self.checked(&opened);
        progress.opened = Some(opened);
        self.tally.count(folded.done().map(|(_, fate)| fate));
        Some(Applied { offsets: folded.done().map(|(offset, _)| offset).collect(), account, tripped })
    }

    /// What is stored of the batch's runs, by a store that has lost nothing since.
    pub async fn load(&self, batch: &Batch, opened: &mut Opened) -> Result<Vec<StoredRun>, WentBack> {
        let wanted = batch.wanted();
        if wanted.is_empty() {
            return Ok(Vec::new());
        }
        let stored = self.until_done("load", || self.runs.load(&wanted)).await;
        let asked_at = Instant::now();
        match self.until_done("ask for starts", || self.runs.starts()).await {
            starts if starts == opened.starts => {
                opened.window.confirmed(asked_at);
                Ok(stored)
            }
            starts => Err(WentBack { starts }),
        }
    }

    /// Notes and saves what was folded, and counts it. Where records are read again, what was noted may be lost, too.
    /// Returns how many records the store refused, too.
    pub async fn keep(
        &self,
        partition: Partition,
        mut folded: Folded,
        opened: &mut Opened,
        again: bool,
    ) -> (Folded, u32) {
        let untold = folded.untold(&opened.account);
        let noted: Vec<Option<Note>> = match untold.is_empty() {
            true => Vec::new(),
            false => self.until_done("read notes", || self.accounts.notes(&untold)).await,
        };
        let notes = Arc::new(if again { folded.all_notes() } else { folded.notes(&opened.account) });
        if !notes.is_empty() {
            self.until_done("note", || self.accounts.note(notes.clone())).await;
        }
        let writes = std::mem::take(&mut folded.writes);
        #[cfg(feature = "fail-points")]
        crate::fail_points::between_items(&*self.runs, &writes).await;
        let refused = if writes.is_empty() { Vec::new() } else { self.save(writes).await };
        let causes = match refused.is_empty() {
            true => 0,
            false => self.sort_out(partition, refused, &mut folded, opened).await,
        };
        #[cfg(feature = "fail-points")]
        fail::fail_point!("persister::between_save_and_commit", |_| std::process::abort());
        folded.count(&mut opened.account, &noted);
        opened.window.saved(Instant::now(), opened.account.next_offset);
        (folded, causes)
    }

    /// The account with how far it is safe, where anything can be lost.
    pub fn checked(&self, opened: &Opened) -> Account {
        let checkpoint = Checkpoint { starts: opened.starts, offset: opened.window.safe() };
        Account { checkpoint: self.log.is_some().then_some(checkpoint), ..opened.account }
    }

    /// The partition's account as its last owner settled it, or one that begins with this record. What the store has
    /// lost since then is read again first.
    async fn open(&self, first: Position, progress: &mut Progress) -> Opened {
        let known = progress.opened.take().filter(|opened| opened.account.generation == first.generation);
        if let Some(opened) = known {
            return opened;
        }
        let read = || self.accounts.account(first.generation, progress.partition);
        let settled = self.until_done("read the account", read).await;
        let starts = self.until_done("ask for starts", || self.runs.starts()).await;
        let Some(account) = settled else { return self.open_anew(first, starts).await };
        let mut opened = Opened::settled(account, starts);
        // The log may say that more was done than the account does: then the store has lost the account's end.
        let is_short = self.log.is_some() && account.next_offset < first.offset;
        if opened.starts != starts || is_short {
            let until = account.next_offset.max(first.offset);
            self.read_up_to(progress.partition, until, &mut opened, WentBack { starts }).await;
        }
        opened
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

    pub(crate) async fn until_done<T, F>(&self, step: &'static str, attempt: impl Fn() -> F) -> T
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
    pub(crate) async fn bury(&self, record: Consumed, reason: String) {
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
