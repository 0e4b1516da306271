//! When shards of the state are saved, and which rows of the feed a saved shard has had.

use std::collections::{BTreeMap, BTreeSet};

use tidegate_agentping::AgentId;
use tidegate_agentping_ports::FeedEntry;
use tidegate_agentping_ports::registry::agent_id;
use tidegate_agentping_pulse::watermark::PartitionId;
use tidegate_kernel::Timestamp;
use tidegate_ports::{Clock, RowWrite, Rows, StoreError};

use super::agents::Agents;
use super::state::{self, Cursors, Head, SHARDS, StoredShard, shard_of};

/// What is saved.
#[derive(Debug, Default)]
pub struct Saved {
    /// Of each shard: the offsets up to which it had been fed when it was read at the start.
    had: Vec<Cursors>,
    /// Below these offsets some shard has rows that another one has had; above, none.
    read_again_to: BTreeMap<PartitionId, i64>,
    /// Of each shard: the cursors that it is saved with, and when.
    shards: Vec<(Cursors, Timestamp)>,
    head_at: Option<Timestamp>,
}

/// A shard whose agents have not changed is saved again once its cursors are so old, so that a start reads no more of the
/// feed than this.
const SAVE_IDLE_EVERY_MS: u64 = 5 * 60_000;
/// Shards of one turn, so that the store is written to evenly.
const AT_ONCE: usize = 8;

impl Saved {
    /// Takes in the shards as they were read; slots were judged to `head`. Returns where the feed is read on: where the shard that is furthest behind is.
    pub fn take(&mut self, shards: Vec<Option<StoredShard>>, head: Timestamp, agents: &mut Agents) -> Cursors {
        let saved_to = shards.iter().map(|shard| shard.as_ref().map_or(head, |shard| shard.judged_to));
        agents.begin_at(head, saved_to.collect());
        let known: Vec<Cursors> = shards.iter().flatten().map(StoredShard::cursors).collect();
        let partitions: BTreeSet<PartitionId> = known.iter().flat_map(|cursors| cursors.keys().copied()).collect();
        let mut begin = Cursors::new();
        for id in partitions {
            // A shard that does not know a partition has had none of it.
            let offsets = || known.iter().map(|cursors| cursors.get(&id).copied().unwrap_or(0));
            begin.insert(id, offsets().min().unwrap_or(0));
            self.read_again_to.insert(id, offsets().max().unwrap_or(0));
        }
        if known.len() < SHARDS {
            tracing::error!(
                missing = SHARDS - known.len(),
                "parts of the judge's state are missing: their agents are new"
            );
        }
        self.had = shards.iter().map(|shard| shard.as_ref().map(StoredShard::cursors).unwrap_or_default()).collect();
        shards.into_iter().flatten().flat_map(|shard| shard.agents).for_each(|agent| agents.add(agent));
        self.shards = self.had.iter().map(|cursors| (cursors.clone(), Timestamp::FIRST)).collect();
        begin
    }

    /// Partitions of which some shard has not had all that another one has had, and up to where they are read for that.
    pub fn left(&self, cursors: &Cursors) -> Vec<(PartitionId, i64)> {
        let is_left = |(id, end): &(&PartitionId, &i64)| cursors.get(id).is_none_or(|cursor| cursor < end);
        self.read_again_to.iter().filter(is_left).map(|(id, end)| (*id, *end)).collect()
    }

    /// Whether a row of the feed is part of what was read at the start.
    pub fn had(&self, entry: &FeedEntry) -> bool {
        let (partition, offset) = ((entry.position.generation, entry.position.partition), entry.position.offset);
        if self.read_again_to.get(&partition).is_none_or(|end| offset >= *end) {
            return false;
        }
        let agent: AgentId = agent_id(entry.row.team, &entry.row.agent);
        let cursors = self.had.get(usize::from(shard_of(agent)));
        cursors.and_then(|cursors| cursors.get(&partition)).is_some_and(|cursor| offset < *cursor)
    }

    /// Saves shards that have changed or are old, and then the head. With `every_ms` 0 all that differ from what is saved.
    ///
    /// # Errors
    /// [`StoreError`]; some shards may be saved, and each is whole.
    pub async fn save(
        &mut self,
        rows: &dyn Rows,
        head: Head,
        agents: &mut Agents,
        cursors: &Cursors,
        every_ms: u64,
        clock: &dyn Clock,
    ) -> Result<(), StoreError> {
        let (now, watermark) = (clock.now(), head.watermark.now());
        let is_first = self.shards.is_empty();
        if is_first {
            self.shards = vec![(Cursors::new(), Timestamp::FIRST); SHARDS];
        }
        if !self.left(cursors).is_empty() {
            // Until all shards have had the same, the cursor of the reading is not the shards'.
            return Ok(());
        }
        let mut due: Vec<u8> =
            (0..=u8::MAX).filter(|shard| self.is_due(*shard, agents, cursors, every_ms, now)).collect();
        if is_first {
            due = (0..=u8::MAX).collect();
        }
        if every_ms > 0 {
            due.truncate(AT_ONCE);
        }
        for chunk in due.chunks(AT_ONCE) {
            let row =
                |shard: &u8| state::shard_row(*shard, cursors, agents.of_shard(*shard), (head.judged_to, watermark));
            let writes: Vec<RowWrite> = chunk.iter().map(row).collect::<Result<_, _>>()?;
            state::save(rows, writes, now).await?;
            for shard in chunk {
                self.shards[usize::from(*shard)] = (cursors.clone(), now);
                agents.changed.remove(shard);
            }
        }
        let is_head_due = self.head_at.is_none_or(|at| now.millis_since(at) >= every_ms.min(5_000) || now < at);
        if !due.is_empty() || is_head_due {
            state::save(rows, vec![state::head_row(&head)?], now).await?;
            self.head_at = Some(now);
        }
        Ok(())
    }

    fn is_due(&self, shard: u8, agents: &Agents, cursors: &Cursors, every_ms: u64, now: Timestamp) -> bool {
        let (saved, at) = &self.shards[usize::from(shard)];
        let age_ms = now.millis_since(*at);
        if agents.changed.contains(&shard) {
            return age_ms >= every_ms || now < *at;
        }
        saved != cursors && (age_ms >= SAVE_IDLE_EVERY_MS || every_ms == 0)
    }
}
