//! A seam between a persister and its ports, where it can be stopped between any two steps and continue later, and a
//! witness that checks at each step which steps must be done before it.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use tidegate_agentping::{Outcome, Record, RunState};
use tidegate_agentping_inproc::noted_accounts::MemoryNotedAccounts;
use tidegate_agentping_inproc::runs::MemoryRuns;
use tidegate_agentping_ports::{FeedRange, Note, NotedAccounts, PulseFeed, RunWanted, RunWrite, Runs, StoredRun};
use tidegate_inproc::dead_letters::MemoryDeadLetters;
use tidegate_inproc::log::MemoryLog;
use tidegate_kernel::{Committable, Partition, PartitionEpoch, Position, Timestamp};
use tidegate_ports::{Account, Accounts, Consume, DeadLetter, DeadLetters, Fate, Halt, LogError, Polled, StoreError};
use tokio::sync::watch;

use crate::feed::rows_of_log;
use crate::rig::{GROUP, Ports, Rig};

/// Passed before and after each step of one persister. Clones are the same seam.
#[derive(Clone)]
pub struct Seam {
    passes_left: Arc<AtomicUsize>,
    is_open: Arc<watch::Sender<bool>>,
    idle_polls: Arc<AtomicUsize>,
}

impl Seam {
    pub fn open() -> Self {
        Seam {
            passes_left: Arc::new(AtomicUsize::new(usize::MAX)),
            is_open: Arc::new(watch::Sender::new(true)),
            idle_polls: Arc::default(),
        }
    }

    /// Lets this many more passes through, and then none.
    pub fn close_after(&self, passes: usize) {
        self.passes_left.store(passes, Ordering::SeqCst);
    }

    pub fn is_closed(&self) -> bool {
        !*self.is_open.borrow()
    }

    /// Whoever waits continues.
    pub fn reopen(&self) {
        self.passes_left.store(usize::MAX, Ordering::SeqCst);
        self.is_open.send_replace(true);
    }

    /// Polls that brought nothing so far.
    pub fn idle_polls(&self) -> usize {
        self.idle_polls.load(Ordering::SeqCst)
    }

    async fn pass(&self) {
        let left = self.passes_left.load(Ordering::SeqCst);
        if left != usize::MAX {
            self.passes_left.store(left.saturating_sub(1), Ordering::SeqCst);
            if left == 0 {
                self.is_open.send_replace(false);
            }
        }
        // The sender is as old as this.
        let _ = self.is_open.subscribe().wait_for(|is_open| *is_open).await;
    }

    /// One step, in progress by itself: whoever asked for it may be gone when it is done.
    async fn step<T: Send + 'static>(&self, step: impl Future<Output = T> + Send + 'static) -> T {
        let seam = self.clone();
        let done = tokio::spawn(async move {
            seam.pass().await;
            step.await
        });
        let done = done.await.expect("no step panics");
        self.pass().await;
        done
    }
}

/// What became of every record, by folding each partition from its beginning to its end.
pub fn fates(log: &MemoryLog, partition: Partition) -> Vec<Fate> {
    let mut runs: HashMap<_, RunState> = HashMap::new();
    let fate = |payload: &[u8]| {
        let Ok(record) = Record::decode(payload) else { return Fate::Dead };
        match runs.entry(record.key()).or_default().apply(record).outcome {
            Outcome::Applied => Fate::Stored,
            Outcome::Duplicate => Fate::Duplicate,
            Outcome::Conflict => Fate::Conflict,
        }
    };
    log.records(partition).iter().map(|one| &*one.payload).map(fate).collect()
}

/// Knows the log and the stores, and writes down each step that came too early or says something else than the log.
#[derive(Clone)]
pub struct Witness {
    log: MemoryLog,
    runs: MemoryRuns,
    accounts: MemoryNotedAccounts,
    dead_letters: MemoryDeadLetters,
    /// The stores as they were when an account was last settled: what a power cut leaves of one that syncs no more than
    /// it must.
    synced: Arc<Mutex<(MemoryRuns, MemoryNotedAccounts)>>,
    seen: Arc<Mutex<Vec<String>>>,
}

impl Witness {
    pub fn of(rig: &Rig) -> Self {
        Witness {
            log: rig.log.clone(),
            runs: rig.runs.clone(),
            accounts: rig.accounts.clone(),
            dead_letters: rig.dead_letters.clone(),
            synced: Arc::new(Mutex::new((rig.runs.copied(), rig.accounts.copied()))),
            seen: Arc::default(),
        }
    }

    /// A new process brings all that it finds to disk before it builds upon it.
    pub fn opens(&self) {
        self.sync();
    }

    /// The power goes: saves and notes that no settlement followed are gone. The log and the dead letters are synced.
    pub fn cut_power(&self) {
        let synced = self.synced.lock().expect("no holder panics");
        self.runs.go_back_to(&synced.0);
        self.accounts.go_back_to(&synced.1);
    }

    fn sync(&self) {
        *self.synced.lock().expect("no holder panics") = (self.runs.copied(), self.accounts.copied());
    }

    /// What it saw that must not be.
    pub fn seen(&self) -> Vec<String> {
        self.seen.lock().expect("no holder panics").clone()
    }

    fn accuse(&self, what: String) {
        self.seen.lock().expect("no holder panics").push(what);
    }

    /// The account of the records before `next_offset`, as the log has it.
    pub fn account(&self, partition: Partition, next_offset: i64) -> Account {
        let mut account = Account::opened(1, partition, 0);
        (0..next_offset).zip(fates(&self.log, partition)).for_each(|(offset, fate)| account.count(offset, fate));
        account
    }

    /// Each record that was not simply stored has its note before its run is saved.
    async fn saves(&self, writes: &[RunWrite]) {
        for write in writes {
            let partition = write.position.partition;
            for (one, fate) in self.log.records(partition).iter().zip(fates(&self.log, partition)) {
                let of_run = Record::decode(&one.payload).is_ok_and(|record| record.key() == write.key);
                if of_run && one.position <= write.position && fate != Fate::Stored {
                    self.expect_note(one.position, fate, "its run is saved").await;
                }
            }
        }
    }

    async fn expect_note(&self, position: Position, fate: Fate, when: &str) {
        let noted = self.accounts.notes(&[position]).await.expect("in memory")[0].map(|note| note.fate);
        if noted != Some(fate) {
            self.accuse(format!("{position:?} is {fate:?}, noted as {noted:?} when {when}"));
        }
    }

    /// What is counted is stored, or dead-lettered and noted; and it is counted as the log has it.
    async fn settles(&self, account: Account) {
        let expected = self.account(account.partition, account.next_offset);
        if account != expected {
            self.accuse(format!("settles {account:?}, the log says {expected:?}"));
        }
        let range = FeedRange { generation: 1, partition: account.partition, from: 0, until: account.next_offset };
        let rows = self.runs.feed_page(range, usize::MAX).await.expect("in memory").entries;
        let mut expected = rows_of_log(&self.log, account.partition);
        expected.retain(|entry| entry.position.offset < account.next_offset);
        if rows != expected {
            self.accuse(format!("settles {account:?}; the feed has {rows:?}, the log says {expected:?}"));
        }
        let counted = self.log.records(account.partition);
        for one in counted.iter().take_while(|one| one.position.offset < account.next_offset) {
            match Record::decode(&one.payload) {
                Ok(record) => {
                    let wanted = [RunWanted { key: record.key(), events: Vec::new() }];
                    let folded_to = self.runs.load(&wanted).await.expect("in memory")[0].folded_to;
                    if folded_to < Some(one.position.write_timestamp()) {
                        self.accuse(format!("{:?} is counted and not saved", one.position));
                    }
                }
                Err(_) => {
                    self.expect_note(one.position, Fate::Dead, "it is counted").await;
                    if self.dead_letters.find(one.position).await.expect("in memory").is_none() {
                        self.accuse(format!("{:?} is counted and has no dead letter", one.position));
                    }
                }
            }
        }
    }

    /// What is committed is settled.
    async fn commits(&self, done: Committable) {
        let settled = self.accounts.account(1, done.partition().partition).await.expect("in memory");
        let settled_to = settled.map(|account| account.next_offset);
        if settled_to < Some(done.next_offset()) {
            self.accuse(format!("commits {done:?}, settled to {settled_to:?}"));
        }
    }
}

/// The rig's ports behind a seam, under a witness.
pub fn behind(seam: &Seam, witness: &Witness, rig: &Rig) -> Ports {
    let watched = Watched { seam: seam.clone(), witness: witness.clone() };
    Ports {
        log: Box::new(WatchedLog { inner: rig.ports().log, watched: watched.clone() }),
        runs: Arc::new(watched.clone()),
        accounts: Arc::new(watched.clone()),
        dead_letters: Arc::new(watched),
    }
}

#[derive(Clone)]
struct Watched {
    seam: Seam,
    witness: Witness,
}

struct WatchedLog {
    inner: Box<dyn Consume>,
    watched: Watched,
}

#[async_trait]
impl Consume for WatchedLog {
    async fn poll(&mut self, max_bytes: usize, wait: Duration) -> Result<Polled, LogError> {
        // Only before: what was polled must not be lost when its caller has stopped waiting.
        self.watched.seam.pass().await;
        let polled = self.inner.poll(max_bytes, wait).await;
        if matches!(polled, Ok(Polled::Idle)) {
            self.watched.seam.idle_polls.fetch_add(1, Ordering::SeqCst);
        }
        polled
    }

    async fn commit(&mut self, done: Committable) -> Result<(), LogError> {
        self.watched.seam.pass().await;
        self.watched.witness.commits(done).await;
        let committed = self.inner.commit(done).await;
        self.watched.seam.pass().await;
        committed
    }

    fn pause(&mut self, partition: PartitionEpoch, paused: bool) {
        self.inner.pause(partition, paused);
    }
}

#[async_trait]
impl Runs for Watched {
    async fn load(&self, wanted: &[RunWanted]) -> Result<Vec<StoredRun>, StoreError> {
        let (runs, wanted) = (self.witness.runs.clone(), wanted.to_vec());
        self.seam.step(async move { runs.load(&wanted).await }).await
    }

    async fn save(&self, writes: Arc<Vec<RunWrite>>) -> Result<(), StoreError> {
        let witness = self.witness.clone();
        let save = async move {
            witness.saves(&writes).await;
            witness.runs.save(writes).await
        };
        self.seam.step(save).await
    }

    async fn purge_orphans(&self, before: Timestamp, limit: usize) -> Result<usize, StoreError> {
        self.witness.runs.purge_orphans(before, limit).await
    }
}

#[async_trait]
impl Accounts for Watched {
    async fn settle(&self, account: Account) -> Result<(), StoreError> {
        let (witness, seam) = (self.witness.clone(), self.seam.clone());
        let settle = async move {
            witness.settles(account).await;
            let before = witness.accounts.account(account.generation, account.partition).await?;
            let settled = witness.accounts.settle(account).await;
            // What changes nothing writes nothing, and so syncs nothing.
            if before.is_none_or(|before| account.next_offset > before.next_offset) {
                // It can be read before it is synced, by who comes after a crash.
                seam.pass().await;
                witness.sync();
            }
            settled
        };
        self.seam.step(settle).await
    }

    async fn account(&self, generation: u16, partition: Partition) -> Result<Option<Account>, StoreError> {
        let accounts = self.witness.accounts.clone();
        self.seam.step(async move { accounts.account(generation, partition).await }).await
    }

    async fn accounts(&self) -> Result<Vec<Account>, StoreError> {
        self.witness.accounts.accounts().await
    }

    async fn halt(&self, halt: Halt) -> Result<(), StoreError> {
        let accounts = self.witness.accounts.clone();
        self.seam.step(async move { accounts.halt(halt).await }).await
    }

    async fn halts(&self) -> Result<Vec<Halt>, StoreError> {
        self.witness.accounts.halts().await
    }
}

#[async_trait]
impl NotedAccounts for Watched {
    async fn note(&self, notes: Arc<Vec<Note>>) -> Result<(), StoreError> {
        let accounts = self.witness.accounts.clone();
        self.seam.step(async move { accounts.note(notes).await }).await
    }

    async fn notes(&self, positions: &[Position]) -> Result<Vec<Option<Note>>, StoreError> {
        let (accounts, positions) = (self.witness.accounts.clone(), positions.to_vec());
        self.seam.step(async move { accounts.notes(&positions).await }).await
    }

    async fn forget_notes(&self, before: Timestamp, limit: usize) -> Result<usize, StoreError> {
        self.witness.accounts.forget_notes(before, limit).await
    }
}

#[async_trait]
impl DeadLetters for Watched {
    async fn append(&self, letter: DeadLetter) -> Result<(), LogError> {
        let letters = self.witness.dead_letters.clone();
        self.seam.step(async move { letters.append(letter).await }).await
    }

    async fn list(&self, after: Option<Position>, limit: usize) -> Result<Vec<DeadLetter>, LogError> {
        self.witness.dead_letters.list(after, limit).await
    }

    async fn find(&self, position: Position) -> Result<Option<DeadLetter>, LogError> {
        self.witness.dead_letters.find(position).await
    }
}

/// Whether everything on the log is committed.
pub async fn is_caught_up(rig: &Rig) -> bool {
    tidegate_ports::ReadLag::read(&rig.log.lag(GROUP)).await.expect("a reading").records == 0
}
