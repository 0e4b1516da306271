//! A store with its feed and accounts, and the sums that are kept of it, all in memory.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use async_trait::async_trait;
use tidegate_agentping::{Record, RunKey, TeamId};
use tidegate_agentping_inproc::runs::MemoryRuns;
use tidegate_agentping_ports::spend_rows::{
    SPEND_DAYS, SPEND_MODELS, SPEND_TOTALS, cursor_key, day_shard, month_shard, total_shard, whole_shard,
};
use tidegate_agentping_ports::{RunQueries, Spend, SpendCursor};
use tidegate_agentping_pulse::spend::{ModelPage, SpendOf, SpendPage, SpendPeriod, TeamSums, hour_of};
use tidegate_agentping_testkit::{NOON, persist};
use tidegate_inproc::accounts::MemoryAccounts;
use tidegate_inproc::clock::TestClock;
use tidegate_inproc::rows::MemoryRows;
use tidegate_kernel::{Month, Partition, Position, Timestamp, Usd};
use tidegate_ports::{Account, Accounts, Clock, FailureCause, KeptRow, RowKey, RowScan, RowWrite, Rows, StoreError};
use tidegate_pulse::spend::{SpendKeeper, SpendRound};

pub const GENERATION: u16 = 1;
pub const PARTITIONS: Partition = 3;

pub struct World {
    pub runs: MemoryRuns,
    pub accounts: MemoryAccounts,
    pub rows: Arc<BreakingRows>,
    pub clock: Arc<TestClock>,
    next: [i64; PARTITIONS as usize],
}

/// Rows in memory, of which one write fails.
pub struct BreakingRows {
    rows: MemoryRows,
    /// Writes until the one that fails; 0: none does.
    left: AtomicUsize,
    /// Writes so far.
    pub writes: AtomicUsize,
    /// Messages of alerts cannot be stored.
    pub takes_no_messages: AtomicBool,
}

impl World {
    pub fn new() -> Self {
        let clock = Arc::new(TestClock::at(NOON));
        World {
            runs: MemoryRuns::default(),
            accounts: MemoryAccounts::default(),
            rows: Arc::new(BreakingRows::new(MemoryRows::new(clock.clone()))),
            clock,
            next: [0; PARTITIONS as usize],
        }
    }

    pub fn keeper(&self) -> SpendKeeper {
        let feed = Arc::new(self.runs.clone());
        SpendKeeper::new(feed, Arc::new(self.accounts.clone()), self.rows.clone(), self.clock.clone())
    }

    /// The write after so many others fails.
    pub fn break_after(&self, writes: usize) {
        self.rows.left.store(writes + 1, Ordering::SeqCst);
    }

    /// Appends a record, and folds, saves and settles it.
    pub async fn take(&mut self, record: Record) {
        let partition = partition_of(record.key());
        let next = &mut self.next[partition as usize];
        let position = Position { generation: GENERATION, partition, offset: *next };
        *next += 1;
        persist(&self.runs, [(position, record)]).await.unwrap();
        let next_offset = *next;
        let account = Account { next_offset, ..Account::opened(GENERATION, partition, 0) };
        self.accounts.settle(account).await.unwrap();
    }

    /// One round, the time going on by a second.
    pub async fn round(&self, keeper: &mut SpendKeeper) -> Result<SpendRound, StoreError> {
        self.clock.advance_ms(1_000);
        keeper.round(self.clock.now()).await
    }

    pub async fn cursor(&self) -> Option<SpendCursor> {
        let found = self.rows.get(&[cursor_key()]).await.unwrap().pop().flatten()?;
        Some(serde_json::from_slice(&found).unwrap())
    }

    /// A team's sums as they are stored, of these days.
    pub async fn sums(&self, team: TeamId, days: impl Iterator<Item = i64>) -> TeamSums {
        let mut sums = TeamSums::of(BTreeSet::from(SpendOf::ALL));
        let pages = async |table, shard| {
            let rows = whole_shard(&*self.rows, table, shard).await.unwrap();
            rows.iter().map(|row| SpendPage::decode(&row.doc).unwrap()).collect::<Vec<_>>()
        };
        for day in days {
            sums.set(SpendPeriod::Day(day), &pages(&SPEND_DAYS, day_shard(team, day)).await);
        }
        sums.set(SpendPeriod::Total, &pages(&SPEND_TOTALS, total_shard(team)).await);
        sums
    }

    /// A team's sums of a month by model, as they are stored.
    pub async fn models(&self, team: TeamId, month: Month) -> BTreeMap<String, Usd> {
        let mut sums = BTreeMap::new();
        for row in whole_shard(&*self.rows, &SPEND_MODELS, month_shard(team, month)).await.unwrap() {
            for (_, model, cost) in ModelPage::decode(&row.doc).unwrap().sums() {
                let sum: &mut Usd = sums.entry(model.to_string()).or_default();
                *sum = sum.plus(cost);
            }
        }
        sums
    }

    /// What the runs say.
    pub async fn spend(&self, team: TeamId, month: Month) -> Spend {
        self.runs.spend(team, month, self.clock.now()).await.unwrap()
    }
}

pub fn partition_of(key: RunKey) -> Partition {
    (key.run.bits() % u128::from(PARTITIONS)) as Partition
}

pub fn day(at: Timestamp) -> i64 {
    hour_of(at).div_euclid(24)
}

impl BreakingRows {
    fn new(rows: MemoryRows) -> Self {
        let (left, writes) = (AtomicUsize::new(0), AtomicUsize::new(0));
        BreakingRows { rows, left, writes, takes_no_messages: AtomicBool::new(false) }
    }

    /// One more write; whether it fails.
    fn fails(&self) -> bool {
        self.writes.fetch_add(1, Ordering::SeqCst);
        let left = self.left.load(Ordering::SeqCst);
        self.left.store(left.saturating_sub(1), Ordering::SeqCst);
        left == 1
    }
}

/// What is stored of a write that failed.
fn some_of(rows: &[RowWrite]) -> Arc<Vec<RowWrite>> {
    Arc::new(rows.iter().step_by(2).cloned().collect())
}

pub fn broken() -> StoreError {
    StoreError::Unavailable(FailureCause::timeout("broken by the test"))
}

#[async_trait]
impl Rows for BreakingRows {
    async fn put(&self, rows: Arc<Vec<RowWrite>>, now: Timestamp) -> Result<(), StoreError> {
        if self.fails() {
            self.rows.put(some_of(&rows), now).await?;
            return Err(broken());
        }
        self.rows.put(rows, now).await
    }

    /// Only messages are inserted.
    async fn insert(&self, rows: Arc<Vec<RowWrite>>, now: Timestamp) -> Result<Vec<bool>, StoreError> {
        if self.takes_no_messages.load(Ordering::SeqCst) {
            return Err(broken());
        }
        if self.fails() {
            self.rows.insert(some_of(&rows), now).await?;
            return Err(broken());
        }
        self.rows.insert(rows, now).await
    }

    async fn get(&self, keys: &[RowKey]) -> Result<Vec<Option<Vec<u8>>>, StoreError> {
        self.rows.get(keys).await
    }

    async fn scan(&self, scan: &RowScan) -> Result<Vec<KeptRow>, StoreError> {
        self.rows.scan(scan).await
    }

    async fn purge_rows(&self, now: Timestamp, limit: usize) -> Result<usize, StoreError> {
        self.rows.purge_rows(now, limit).await
    }
}
