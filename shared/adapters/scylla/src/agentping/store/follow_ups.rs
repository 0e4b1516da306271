//! Writes the rows derived from a run: listings, days, agents, usage, repeats, unpriced models. The values are
//! absolute, so that a second write changes nothing.

use tidegate_agentping::{Run, RunKey};
use tidegate_agentping_ports::EventRow;
use tidegate_ports::StoreError;

use super::ScyllaStore;
use super::derived;
use super::layout::cql_instant;
use super::remembered::Remembered;
use crate::batch::PartitionBatch;
use crate::write_time::first_wins;

/// Which rows are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Which {
    /// The rows that this process has not written yet.
    New,
    /// All rows, since earlier writes of this process may be lost.
    All,
}

impl Which {
    /// All rows where a record was delivered again.
    pub const fn of(again: bool) -> Self {
        if again { Which::All } else { Which::New }
    }
}

/// Batches to write, and the hashes of their rows that need no second write.
struct FollowUps<'s> {
    which: Which,
    remembered: &'s Remembered,
    batches: Vec<PartitionBatch>,
    lasting: Vec<u128>,
}

impl FollowUps<'_> {
    /// Adds the row's batch unless the row is known to be written.
    fn add_lasting(&mut self, row: u128, batch: impl FnOnce() -> PartitionBatch) {
        if self.which == Which::All || !self.remembered.has(row) {
            self.batches.push(batch());
            self.lasting.push(row);
        }
    }
}

impl ScyllaStore {
    /// All rows derived from a run in its current state.
    pub(super) async fn save_follow_ups(
        &self,
        key: RunKey,
        run: &Run,
        at: i64,
        which: Which,
    ) -> Result<(), StoreError> {
        let mut follow_ups = self.follow_ups(which);
        self.add_listings(&mut follow_ups, key, run, at)?;
        self.add_days(&mut follow_ups, key, run, at);
        self.add_agents(&mut follow_ups, key, run);
        self.add_usage(&mut follow_ups, key, run, at);
        self.add_repeats(&mut follow_ups, key, run, at);
        self.write_follow_ups(follow_ups).await
    }

    fn follow_ups(&self, which: Which) -> FollowUps<'_> {
        FollowUps { which, remembered: &self.remembered, batches: Vec::new(), lasting: Vec::new() }
    }

    async fn write_follow_ups(&self, follow_ups: FollowUps<'_>) -> Result<(), StoreError> {
        self.write_all(follow_ups.batches).await?;
        self.remembered.add(&follow_ups.lasting);
        Ok(())
    }

    /// The run's row in each of its listings. Where a start has replaced an implied one, the rows of the implied one
    /// are deleted.
    fn add_listings(&self, to: &mut FollowUps<'_>, key: RunKey, run: &Run, at: i64) -> Result<(), StoreError> {
        for row in derived::lines(key, run)? {
            // A row's content only goes forward, so the same text needs no second write.
            to.add_lasting(row.hash(), || {
                let (team, name, label, day, bucket, started_at, id) = row.key;
                let mut batch = PartitionBatch::new("save_line");
                let values = (team, name, label, day, bucket, started_at, id, row.line, at);
                batch.add(&self.cql.statements().save_line, values);
                batch
            });
        }
        for (team, name, label, day, bucket, started_at, id) in derived::left_lines(key, run) {
            let mut batch = PartitionBatch::new("delete_line");
            batch.add(&self.cql.statements().delete_line, (at, team, name, label, day, bucket, started_at, id));
            to.batches.push(batch);
        }
        Ok(())
    }

    fn add_days(&self, to: &mut FollowUps<'_>, key: RunKey, run: &Run, at: i64) {
        for row in derived::days(key, run) {
            to.add_lasting(derived::day_hash(&row), || {
                let (team, name, label, day, bucket) = row;
                let mut batch = PartitionBatch::new("save_day");
                batch.add(&self.cql.statements().save_day, (team, name, label, day, bucket, at));
                batch
            });
        }
    }

    /// The agents' first and last sightings. Their own write timestamps keep the earliest first and the latest last
    /// one, in any order of writes.
    fn add_agents(&self, to: &mut FollowUps<'_>, key: RunKey, run: &Run) {
        let statements = self.cql.statements();
        for row in derived::sightings(key, run) {
            to.add_lasting(row.hash(), || {
                let (seen, seen_ms) = (cql_instant(row.at), row.at.as_millis());
                let mut batch = PartitionBatch::new("save_agent");
                let first = (first_wins(row.at), seen, row.team.clone(), row.slug.clone());
                batch.add(&statements.save_agent_first, first);
                batch.add(&statements.save_agent_last, (seen_ms, seen, row.team, row.slug));
                batch
            });
        }
    }

    fn add_usage(&self, to: &mut FollowUps<'_>, key: RunKey, run: &Run, at: i64) {
        for ((team, month, bucket, run), units) in derived::usage(key, run) {
            let mut batch = PartitionBatch::new("save_usage");
            batch.add(&self.cql.statements().save_usage, (team, month, bucket, run, units, at));
            to.batches.push(batch);
        }
    }

    /// The run's repeats; nearly every run has none.
    fn add_repeats(&self, to: &mut FollowUps<'_>, key: RunKey, run: &Run, at: i64) {
        for ((team, month, bucket, agent, run), times) in derived::repeats(key, run) {
            let mut batch = PartitionBatch::new("save_repeats");
            batch.add(&self.cql.statements().save_repeats, (team, month, bucket, agent, run, times, at));
            to.batches.push(batch);
        }
        for (team, month, bucket, agent, run) in derived::left_repeats(key, run) {
            let mut batch = PartitionBatch::new("delete_repeats");
            batch.add(&self.cql.statements().delete_repeats, (at, team, month, bucket, agent, run));
            to.batches.push(batch);
        }
    }

    /// Models without a rate among these events of a run, by month of receipt.
    pub(super) async fn save_unpriced(
        &self,
        key: RunKey,
        events: &[EventRow],
        at: i64,
        which: Which,
    ) -> Result<(), StoreError> {
        let mut follow_ups = self.follow_ups(which);
        for row in derived::unpriced(key, events) {
            follow_ups.add_lasting(row.hash(), || {
                let mut batch = PartitionBatch::new("save_unpriced");
                let values = (row.team, row.month, row.provider, row.model, at);
                batch.add(&self.cql.statements().save_unpriced, values);
                batch
            });
        }
        self.write_follow_ups(follow_ups).await
    }
}
