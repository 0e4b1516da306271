//! Runs that have ended and are to be judged, and when. Pure.

use std::collections::{BTreeMap, HashMap};

use tidegate_agentping::{FeedRow, RunKey, Slug};
use tidegate_kernel::{Partition, Timestamp};

use super::idle::IdleRun;

/// How far the watermark must pass an end, or a later event, before the run is judged: events that belong to the run may
/// trail.
pub const TRAILING_MS: i64 = 30_000;
/// How long events after the end judge the run again.
const FINAL_AFTER_MS: i64 = 10 * 60_000;

/// A run that is to be judged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PendingRun {
    pub agent: Slug,
    /// When its end was appended. Checks of that time judge it.
    pub ended_at: Timestamp,
    pub listed_at: Timestamp,
    /// Where its end is on the log; `None`: its idle timeout ends it.
    from: Option<(u16, Partition, i64)>,
    /// It is judged once the watermark is there; `None`: it was, and nothing has come since.
    due: Option<Timestamp>,
}

/// The runs that are not final.
#[derive(Clone, Debug, Default)]
pub struct Pending {
    runs: HashMap<RunKey, PendingRun>,
}

impl Pending {
    /// Takes a row of the feed.
    pub fn take(&mut self, row: &FeedRow, (generation, partition, offset): (u16, Partition, i64)) {
        let key = RunKey { team: row.team, run: row.run };
        if row.did.ended {
            // A timeout that was judged before was none after all.
            if self.runs.get(&key).is_none_or(|run| run.from.is_none()) {
                let (agent, listed_at, ended_at) = (row.agent.clone(), row.listed_at(), row.appended_at);
                let from = Some((generation, partition, offset));
                self.runs.insert(key, PendingRun::new(agent, (listed_at, ended_at), from));
            }
        } else if row.did.after_end
            && let Some(run) = self.runs.get_mut(&key)
            && row.appended_at < run.final_at()
        {
            let due = row.appended_at.plus_millis(TRAILING_MS);
            run.due = Some(run.due.map_or(due, |before| before.max(due)).min(run.final_at()));
        }
    }

    /// Takes a run that its idle timeout has ended.
    pub fn take_idle(&mut self, key: RunKey, run: IdleRun) {
        let IdleRun { agent, listed_at, ends_at } = run;
        self.runs.entry(key).or_insert_with(|| PendingRun::new(agent, (listed_at, ends_at), None));
    }

    /// A run that its idle timeout had ended goes on.
    pub fn goes_on(&mut self, key: RunKey) {
        if self.runs.get(&key).is_some_and(|run| run.from.is_none()) {
            self.runs.remove(&key);
        }
    }

    /// Runs to judge, given the watermark, in the order of their ends; whether it is for the last time.
    pub fn due(&self, as_of: Timestamp) -> Vec<(RunKey, PendingRun, bool)> {
        let is_due = |run: &&PendingRun| run.due.is_some_and(|due| due <= as_of) || run.final_at() <= as_of;
        let due = self.runs.iter().filter(|(_, run)| is_due(run));
        let mut due: Vec<_> = due.map(|(key, run)| (*key, run.clone(), run.final_at() <= as_of)).collect();
        due.sort_by_key(|(key, run, _)| (run.ended_at, key.run));
        due
    }

    /// A run was judged.
    pub fn judged(&mut self, key: RunKey, is_final: bool) {
        if is_final {
            self.runs.remove(&key);
        } else if let Some(run) = self.runs.get_mut(&key) {
            run.due = None;
        }
    }

    /// For each partition the first offset that a restart must read again.
    pub fn oldest(&self) -> BTreeMap<(u16, Partition), i64> {
        let mut oldest = BTreeMap::new();
        for (generation, partition, offset) in self.runs.values().filter_map(|run| run.from) {
            let first = oldest.entry((generation, partition)).or_insert(offset);
            *first = offset.min(*first);
        }
        oldest
    }

    pub fn len(&self) -> usize {
        self.runs.len()
    }
}

impl PendingRun {
    fn new(agent: Slug, (listed_at, ended_at): (Timestamp, Timestamp), from: Option<(u16, Partition, i64)>) -> Self {
        let due = Some(ended_at.plus_millis(TRAILING_MS));
        PendingRun { agent, ended_at, listed_at, from, due }
    }

    /// What is appended from then on changes nothing.
    pub fn final_at(&self) -> Timestamp {
        self.ended_at.plus_millis(FINAL_AFTER_MS)
    }
}
