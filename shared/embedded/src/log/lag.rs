//! How far a group is behind.

use std::sync::Arc;

use async_trait::async_trait;
use tidegate_domain::{Partition, Timestamp};
use tidegate_ports::{Lag, LogError, ReadLag};

use super::Inner;
use super::reader::Reader;

/// Readings for one group.
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

    /// Number of unapplied records, the oldest time known in memory, and what the file must be asked for.
    fn look(&self) -> (u64, Option<Timestamp>, Vec<Cold>) {
        let state = self.log.shared.state();
        let committed = state.groups.get(&self.group).map(|group| &group.committed);
        let (mut records, mut oldest, mut cold) = (0, None, Vec::new());
        for (partition, lane) in (0..).zip(&state.lanes) {
            // A group that is not known yet begins with the first record kept.
            let from = committed.map_or(lane.first_offset, |committed| committed[partition as usize]);
            let until = lane.tail.end();
            if from >= until {
                continue;
            }
            records += (until - from) as u64;
            match lane.tail.get(from) {
                Some(record) => oldest = earlier(oldest, Some(record.appended_at)),
                None => cold.push(Cold { partition, from, until }),
            }
        }
        (records, oldest, cold)
    }
}

#[async_trait]
impl ReadLag for EmbeddedLag {
    async fn read(&self) -> Result<Lag, LogError> {
        let (records, mut oldest_appended_at, cold) = self.look();
        if !cold.is_empty() {
            let reader = self.reader.clone();
            let read = move || {
                cold.iter().try_fold(None, |oldest, cold| {
                    Ok(earlier(oldest, reader.appended_at(cold.partition, cold.from, cold.until)?))
                })
            };
            let read = tokio::task::spawn_blocking(read).await;
            let stored = read.map_err(|error| LogError::Unavailable(error.to_string()))??;
            oldest_appended_at = earlier(oldest_appended_at, stored);
        }
        Ok(Lag { records, oldest_appended_at, read_at: self.log.shared.clock.now() })
    }
}

fn earlier(one: Option<Timestamp>, other: Option<Timestamp>) -> Option<Timestamp> {
    [one, other].into_iter().flatten().min()
}
