//! How far a group is behind.

use std::sync::Arc;

use async_trait::async_trait;
use tidegate_kernel::Partition;
use tidegate_ports::{Account, Lag, LogError, PartitionLag, ReadLag};

use super::Inner;
use super::reader::Reader;
use super::schema::GENERATION;
use crate::sqlite::failure::broken_off;

/// How far one group is behind, from memory where it can be.
pub struct EmbeddedLag {
    log: Arc<Inner>,
    group: String,
    reader: Arc<Reader>,
}

/// The unapplied records of one partition, where the oldest of them is not in memory.
struct Cold {
    partition: Partition,
    from: i64,
    until: i64,
}

impl EmbeddedLag {
    pub(super) fn new(log: Arc<Inner>, group: &str, reader: Reader) -> Self {
        EmbeddedLag { log, group: group.to_owned(), reader: Arc::new(reader) }
    }

    /// Every partition as far as memory knows it, and what must be read from the file.
    fn in_memory(&self, accounts: &[Account]) -> (Vec<PartitionLag>, Vec<Cold>) {
        let now = self.log.shared.clock.now();
        let state = self.log.shared.state();
        let committed = state.groups.get(&self.group).map(|group| &group.committed);
        let (mut lags, mut cold) = (Vec::with_capacity(state.lanes.len()), Vec::new());
        for (partition, lane) in (0..).zip(&state.lanes) {
            // A group that is not known yet begins with the first record kept.
            let committed = committed.map_or(lane.first_offset, |committed| committed[partition as usize]);
            let mut lag = PartitionLag {
                generation: GENERATION,
                partition,
                first: lane.first_offset,
                committed,
                accounted: PartitionLag::accounted_in(accounts, GENERATION, partition),
                end: lane.tail.end(),
                oldest_appended_at: None,
                log_time: None,
            };
            if lag.records() > 0 {
                let (from, until) = (lag.next(), lag.end);
                lag.oldest_appended_at = lane.tail.get(from).map(|record| record.appended_at);
                lag.log_time = Some(now);
                if lag.oldest_appended_at.is_none() {
                    cold.push(Cold { partition, from, until });
                }
            }
            lags.push(lag);
        }
        (lags, cold)
    }
}

#[async_trait]
impl ReadLag for EmbeddedLag {
    async fn read(&self) -> Result<Lag, LogError> {
        Ok(Lag::over(&self.partitions(&[]).await?, self.log.shared.clock.now()))
    }

    async fn partitions(&self, accounts: &[Account]) -> Result<Vec<PartitionLag>, LogError> {
        let (mut lags, cold) = self.in_memory(accounts);
        if cold.is_empty() {
            return Ok(lags);
        }
        let reader = self.reader.clone();
        let read = move || {
            for cold in cold {
                let appended_at = reader.appended_at(cold.partition, cold.from, cold.until)?;
                lags[cold.partition as usize].oldest_appended_at = appended_at;
            }
            Ok(lags)
        };
        let read = tokio::task::spawn_blocking(read).await;
        read.map_err(|error| LogError::Unavailable(broken_off("a read", error)))?
    }
}
