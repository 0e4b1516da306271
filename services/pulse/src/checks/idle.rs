//! Runs that end by their idle timeout if nothing more comes. No record says that they have ended, so they are remembered, in
//! memory and as rows, until they are final.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use tidegate_agentping::{FeedRow, RunKey, Slug};
use tidegate_agentping_ports::spend_rows::whole_shard;
use tidegate_kernel::{SmolStr, Timestamp};
use tidegate_ports::{Meeting, RowKey, RowTable, RowWrite, Rows, StoreError};

/// The table of such runs, in a few shards.
pub static CHECK_IDLE_RUNS: RowTable =
    RowTable { name: "check_idle_runs", keep_days: 31, meeting: Meeting::HigherRank };

const SHARDS: u128 = 16;
/// Runs that are remembered at most; a further one is not judged if only its timeout ends it.
const MOST: usize = 100_000;
/// Rows that one call to the store writes.
const AT_ONCE: usize = 200;

/// A run that has an idle timeout.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct IdleRun {
    pub agent: Slug,
    #[serde(rename = "listed_at_ms")]
    pub listed_at: Timestamp,
    /// When it ends if nothing more comes.
    #[serde(rename = "ends_at_ms")]
    pub ends_at: Timestamp,
}

/// A row as it is stored.
#[derive(Serialize, Deserialize)]
struct StoredRun {
    team: tidegate_agentping::TeamId,
    run: tidegate_agentping::RunId,
    #[serde(flatten)]
    idle: IdleRun,
}

/// All that are known.
#[derive(Debug, Default)]
pub struct IdleRuns {
    runs: BTreeMap<RunKey, IdleRun>,
    /// Those whose rows are not as they are here.
    changed: HashSet<RunKey>,
}

impl IdleRuns {
    /// Reads what another process has left.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn read(rows: &dyn Rows) -> Result<Self, StoreError> {
        let mut runs = BTreeMap::new();
        for shard in 0..SHARDS {
            let kept = whole_shard(rows, &CHECK_IDLE_RUNS, shard_name(shard)).await?;
            let stored = kept.iter().filter_map(|row| serde_json::from_slice::<StoredRun>(&row.doc).ok());
            runs.extend(stored.map(|StoredRun { team, run, idle }| (RunKey { team, run }, idle)));
        }
        Ok(IdleRuns { runs, changed: HashSet::new() })
    }

    /// Takes a row of the feed of an agent with checks.
    pub fn take(&mut self, row: &FeedRow) {
        let key = RunKey { team: row.team, run: row.run };
        let idle = row.idle.filter(|_| row.finished_at.is_none());
        let now = idle.map(|end| IdleRun { agent: row.agent.clone(), listed_at: row.listed_at(), ends_at: end.at });
        let is_full = self.runs.len() >= MOST && !self.runs.contains_key(&key);
        match now.filter(|_| !is_full) {
            Some(now) if self.runs.get(&key) == Some(&now) => return,
            Some(now) => _ = self.runs.insert(key, now),
            None if self.runs.remove(&key).is_none() => return,
            None => {}
        }
        self.changed.insert(key);
    }

    /// Those whose timeout was over at `at`.
    pub fn ended_at(&self, at: Timestamp) -> Vec<(RunKey, IdleRun)> {
        let ended = self.runs.iter().filter(|(_, run)| run.ends_at <= at);
        ended.map(|(key, run)| (*key, run.clone())).collect()
    }

    /// A run is final.
    pub fn forget(&mut self, key: RunKey) {
        if self.runs.remove(&key).is_some() {
            self.changed.insert(key);
        }
    }

    /// Stores what has changed, as of a watermark.
    ///
    /// # Errors
    /// [`StoreError`]; the next call stores it.
    pub async fn store(&mut self, rows: &dyn Rows, rank: u64, now: Timestamp) -> Result<(), StoreError> {
        let changed: Vec<RunKey> = self.changed.iter().copied().collect();
        for some in changed.chunks(AT_ONCE) {
            let write = |key: &RunKey| {
                let stored =
                    self.runs.get(key).map(|idle| StoredRun { team: key.team, run: key.run, idle: idle.clone() });
                let doc = stored.and_then(|stored| serde_json::to_vec(&stored).ok());
                RowWrite { key: row_key(*key), rank, doc }
            };
            rows.put(Arc::new(some.iter().map(write).collect()), now).await?;
            some.iter().for_each(|key| _ = self.changed.remove(key));
        }
        Ok(())
    }
}

fn row_key(key: RunKey) -> RowKey {
    let row = SmolStr::from(format!("{}/{}", key.team, key.run));
    RowKey { table: &CHECK_IDLE_RUNS, shard: shard_name(key.run.bits() % SHARDS), row }
}

fn shard_name(shard: u128) -> SmolStr {
    SmolStr::from(format!("{shard:02}"))
}
