//! The product: a record is `name=number`, and the store keeps each name's sum. A name may make the fold panic or stop. And
//! what every test stands on.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use tidegate_consumer::{
    Apply, Consumer, ConsumerConfig, Entry, FoldStop, Group, Poison, StopReport, StoreSeen, VoidPorts,
};
use tidegate_inproc::accounts::MemoryAccounts;
use tidegate_inproc::dead_letters::MemoryDeadLetters;
use tidegate_inproc::log::{MemoryLog, MemoryLogOptions};
use tidegate_inproc::releases::MemoryReleases;
use tidegate_inproc::voids::MemoryVoids;
use tidegate_kernel::command::{Release, Rules, VoidState};
use tidegate_kernel::{LogKey, PartitionEpoch, Position, Timestamp};
use tidegate_ports::{
    Append, Clock, DeadLetter, DeadLetters, Fate, ReadLag, ReadLog, StoreError, SystemClock, VoidRequest, Voids,
};
use tokio::sync::{oneshot, watch};
use tokio::task::JoinHandle;

pub const GROUP: &str = "sums";

/// A name's sum, and the write timestamp of the last record in it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sum {
    pub sum: i64,
    folded_to: Option<i64>,
}

#[derive(Clone, Debug)]
pub struct Change {
    name: char,
    sum: Sum,
}

/// A store of sums; clones are the same store.
#[derive(Clone, Default)]
pub struct Sums {
    kept: Arc<Mutex<BTreeMap<char, Sum>>>,
    /// Loads and saves fail.
    is_away: Arc<AtomicBool>,
    /// No change of it is taken, ever.
    refuses: Option<char>,
    panics_at: Option<char>,
    stops_at: Option<char>,
    stops_for_good: bool,
    /// The most records of one name that a fold was given.
    most_of_a_name: Arc<AtomicUsize>,
    tries: Arc<AtomicUsize>,
    saves: Arc<AtomicUsize>,
    /// A save ends only while it is open.
    gate: Arc<watch::Sender<bool>>,
    /// How often its servers have started.
    starts: Arc<AtomicU64>,
    asked_for_starts: Arc<AtomicUsize>,
    loads: Arc<AtomicUsize>,
    /// So many loads are answered; `None`: all.
    answered_loads: Arc<watch::Sender<Option<usize>>>,
}

impl Sums {
    pub fn refusing(name: char) -> Self {
        Sums { refuses: Some(name), ..Sums::default() }
    }

    pub fn panicking_at(name: char) -> Self {
        Sums { panics_at: Some(name), ..Sums::default() }
    }

    pub fn stopping_at(name: char) -> Self {
        Sums { stops_at: Some(name), stops_for_good: true, ..Sums::default() }
    }

    /// Stops there, and may not in another batch.
    pub fn prevented_at(name: char) -> Self {
        Sums { stops_at: Some(name), ..Sums::default() }
    }

    pub fn most_of_a_name(&self) -> usize {
        self.most_of_a_name.load(Ordering::SeqCst)
    }

    pub fn set_away(&self, is_away: bool) {
        self.is_away.store(is_away, Ordering::SeqCst);
    }

    /// Saves are stored from now on, but do not return before the gate opens again.
    pub fn close_gate(&self, is_closed: bool) {
        self.gate.send_replace(is_closed);
    }

    /// A server of it has started again.
    pub fn start_again(&self) {
        self.starts.fetch_add(1, Ordering::SeqCst);
    }

    /// How often it was asked for its starts.
    pub fn asked_for_starts(&self) -> usize {
        self.asked_for_starts.load(Ordering::SeqCst)
    }

    /// Of all loads that are ever asked for, so many are answered, and the next ones wait; `None`: all are answered.
    pub fn answer_loads(&self, most: Option<usize>) {
        self.answered_loads.send_replace(most);
    }

    /// Loads that were asked for.
    pub fn loads(&self) -> usize {
        self.loads.load(Ordering::SeqCst)
    }

    /// Loads and saves that were asked for.
    pub fn tries(&self) -> usize {
        self.tries.load(Ordering::SeqCst)
    }

    /// Saves that were stored.
    pub fn saves(&self) -> usize {
        self.saves.load(Ordering::SeqCst)
    }

    pub fn sum(&self, name: char) -> Option<i64> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner).get(&name).map(|sum| sum.sum)
    }

    fn answers(&self) -> Result<(), StoreError> {
        self.tries.fetch_add(1, Ordering::SeqCst);
        match self.is_away.load(Ordering::SeqCst) {
            true => Err(StoreError::Broken("as the test wants".into())),
            false => Ok(()),
        }
    }
}

#[async_trait]
impl Apply for Sums {
    type Key = char;
    type Record = (char, i64);
    type Assignment = ();
    type Loaded = Vec<Sum>;
    type Change = Change;

    fn assigned(&self, _of: PartitionEpoch) {}

    fn decode(&self, payload: &[u8]) -> Result<(char, i64), String> {
        let text = std::str::from_utf8(payload).map_err(|error| error.to_string())?;
        let (name, number) = text.split_once('=').ok_or("no number")?;
        let name = name.chars().next().ok_or("no name")?;
        Ok((name, number.parse().map_err(|error| format!("{number}: {error}"))?))
    }

    fn key(record: &(char, i64)) -> char {
        record.0
    }

    async fn load(
        &self,
        (): &(),
        groups: &[Group<char, (char, i64)>],
        _entries: &[Entry<char>],
    ) -> Result<Vec<Sum>, StoreError> {
        self.answers()?;
        let number = self.loads.fetch_add(1, Ordering::SeqCst);
        // The sender is as old as this.
        let _ = self.answered_loads.subscribe().wait_for(|most| most.is_none_or(|most| number < most)).await;
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(groups.iter().map(|group| kept.get(&group.key).copied().unwrap_or_default()).collect())
    }

    fn fold(
        &self,
        groups: Vec<Group<char, (char, i64)>>,
        loaded: Vec<Sum>,
        entries: &mut [Entry<char>],
        _again: bool,
    ) -> Result<Vec<Change>, FoldStop> {
        for group in &groups {
            assert_ne!(Some(group.key), self.panics_at, "as the test wants");
            self.most_of_a_name.fetch_max(group.records.len(), Ordering::SeqCst);
            if Some(group.key) == self.stops_at {
                let reason = "as the test wants".to_owned();
                return Err(FoldStop { at: Some(group.records[0].0), for_good: self.stops_for_good, reason });
            }
        }
        let change = |(group, mut sum): (Group<char, (char, i64)>, Sum)| {
            for (place, (_, number)) in group.records {
                let entry = &mut entries[place];
                if !entry.position.is_folded(sum.folded_to) {
                    sum = Sum { sum: sum.sum + number, folded_to: Some(entry.position.write_timestamp()) };
                    entry.fate = Some(Fate::Stored);
                }
            }
            Change { name: group.key, sum }
        };
        Ok(groups.into_iter().zip(loaded).map(change).collect())
    }

    fn key_of(change: &Change) -> char {
        change.name
    }

    async fn save(&self, changes: Arc<Vec<Change>>, _seen: StoreSeen) -> Result<(), StoreError> {
        self.answers()?;
        if changes.iter().any(|change| Some(change.name) == self.refuses) {
            return Err(StoreError::Refused("as the test wants".into()));
        }
        {
            let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
            for Change { name, sum } in changes.iter().cloned() {
                let known = kept.entry(name).or_default();
                if sum.folded_to > known.folded_to {
                    *known = sum;
                }
            }
        }
        self.saves.fetch_add(1, Ordering::SeqCst);
        // The sender is as old as this.
        let _ = self.gate.subscribe().wait_for(|is_closed| !is_closed).await;
        Ok(())
    }

    async fn starts(&self) -> Result<u64, StoreError> {
        self.asked_for_starts.fetch_add(1, Ordering::SeqCst);
        Ok(self.starts.load(Ordering::SeqCst))
    }
}

/// What every consumer of the tests registers as.
pub fn release() -> Release {
    Release { name: "sums".into(), format: 1, rules: Rules::FIRST }
}

/// One log, and what is made of it.
pub struct Rig {
    pub log: MemoryLog,
    pub sums: Sums,
    pub accounts: MemoryAccounts,
    pub dead_letters: MemoryDeadLetters,
    pub voids: MemoryVoids,
    pub releases: MemoryReleases,
    /// The clock of consumers; the log has its own.
    pub clock: Arc<dyn Clock>,
    /// Consumers read again what the store may have lost.
    pub reads_again: bool,
    pub config: ConsumerConfig,
}

impl Rig {
    /// With one partition.
    pub fn new(sums: Sums) -> Self {
        Self::with_partitions(1, sums)
    }

    pub fn with_partitions(partitions: u32, sums: Sums) -> Self {
        let options =
            MemoryLogOptions { partitions, revocation_deadline: Duration::from_secs(2), ..MemoryLogOptions::default() };
        Rig {
            log: MemoryLog::new(options, Arc::new(SystemClock)),
            sums,
            accounts: MemoryAccounts::default(),
            dead_letters: MemoryDeadLetters::default(),
            voids: MemoryVoids::default(),
            releases: MemoryReleases::default(),
            clock: Arc::new(SystemClock),
            reads_again: false,
            config: ConsumerConfig {
                linger: Duration::from_millis(1),
                settle_every: Duration::from_millis(2),
                ..ConsumerConfig::default()
            },
        }
    }

    pub async fn append(&self, record: &str) -> Position {
        let name = record.split('=').next().unwrap_or_default();
        let payload = Bytes::copy_from_slice(record.as_bytes());
        self.log.append(LogKey::new(name.as_bytes(), &[name]), payload).await.expect("appended")
    }

    pub fn start_dead_lettering(&self) -> Running {
        self.start(Poison::DeadLetter(Arc::new(self.dead_letters.clone())))
    }

    pub fn start_halting(&self) -> Running {
        self.start(Poison::Halt(VoidPorts {
            voids: Arc::new(self.voids.clone()),
            releases: Arc::new(self.releases.clone()),
            release: release(),
        }))
    }

    pub async fn void(&self, position: Position) {
        let round = self.ask_for_void(position).await;
        self.voids.settle(position, round, VoidState::InForce).await.expect("in memory");
    }

    pub async fn ask_for_void(&self, position: Position) -> u32 {
        let (reason, asked_at) = ("as the test wants".to_owned(), Timestamp::from_millis(0));
        self.voids.ask(VoidRequest { position, reason, asked_at }).await.expect("in memory")
    }

    pub fn start(&self, poison: Poison) -> Running {
        let log = Box::new(self.log.consumer(GROUP));
        let (accounts, clock) = (Arc::new(self.accounts.clone()), self.clock.clone());
        let consumer = Consumer::new(log, self.sums.clone(), poison, accounts, clock, self.config);
        let again: Option<Arc<dyn ReadLog>> = if self.reads_again { Some(Arc::new(self.log.clone())) } else { None };
        let consumer = consumer.reading_again_from(again);
        let (stop, stopped) = oneshot::channel::<()>();
        let task = tokio::spawn(consumer.run(async move {
            let _ = stopped.await;
        }));
        Running { stop, task }
    }

    /// Records on the log that are not committed.
    pub async fn behind(&self) -> u64 {
        self.log.lag(GROUP).read().await.expect("a reading").records
    }

    pub async fn caught_up(&self) {
        eventually("everything is committed", async || self.behind().await == 0).await;
    }

    pub async fn listed_dead_letters(&self) -> Vec<DeadLetter> {
        self.dead_letters.list(None, 10).await.expect("in memory")
    }
}

pub struct Running {
    stop: oneshot::Sender<()>,
    task: JoinHandle<StopReport>,
}

impl Running {
    pub async fn stop(self) -> StopReport {
        let _ = self.stop.send(());
        self.task.await.expect("the consumer does not panic")
    }

    /// As a `kill -9` would: the loop commits nothing more.
    pub async fn kill(self) {
        self.task.abort();
        let _ = self.task.await;
    }
}

pub async fn eventually(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let mut tick = tokio::time::interval(Duration::from_millis(2));
    let waited = tokio::time::timeout(Duration::from_secs(60), async {
        while !holds().await {
            tick.tick().await;
        }
    });
    waited.await.unwrap_or_else(|_| panic!("not within a minute: {what}"));
}
