//! The clerk of a partition: appends a tick when the next change of an owner's book is due, so that what is due happens
//! though no command comes.
//!
//! The stored due times are read once, when the partition is assigned. What a former owner stores later is not missed:
//! its record is not committed then, so that the lane of this assignment reads it too, and takes the due time from the
//! book that it loads or saves.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::join_all;
use tidegate_kernel::command::{Decider, Envelope, OwnerId, Rules};
use tidegate_kernel::{LogKey, Partition};
use tidegate_ports::{Append, Clock, Due};
use tokio::time::sleep;

use crate::due_times::SharedDue;
use crate::metrics::{TICK_FAILURES, TICKS};
use crate::partition_shards::may_hold;
use crate::ports::DecidingPorts;

/// Ticks appended at once. With the pause after them they are at most 200 a second.
const AT_ONCE: usize = 20;
const PAUSE: Duration = Duration::from_millis(100);
/// The clock may be set meanwhile.
const LOOK_EVERY: Duration = Duration::from_secs(1);
const READ_RETRY: Duration = Duration::from_secs(1);

/// Appends the ticks of one assignment of a partition.
pub(crate) struct Clerk<D: Decider> {
    partition: Partition,
    partitions: u32,
    stored: Arc<dyn Due>,
    append: Arc<dyn Append>,
    clock: Arc<dyn Clock>,
    due: Arc<SharedDue<D::Owner>>,
}

impl<D: Decider> Clerk<D> {
    pub fn new(
        partition: Partition,
        partitions: u32,
        ports: &DecidingPorts,
        append: Arc<dyn Append>,
        due: Arc<SharedDue<D::Owner>>,
    ) -> Self {
        Clerk { partition, partitions, stored: ports.due.clone(), append, clock: ports.clock.clone(), due }
    }

    /// Until its task is aborted.
    pub async fn tick(self) {
        let (ticks, failures) = (TICKS.with([("api", D::API)]), TICK_FAILURES.with([("api", D::API)]));
        self.read_stored().await;
        loop {
            let now = self.clock.now();
            let (owners, next_at) = {
                let mut times = self.due.times();
                (times.take(now, AT_ONCE), times.next_at())
            };
            if owners.is_empty() {
                let until_next = next_at.map(|at| Duration::from_millis(at.millis_since(now)));
                let pause = until_next.map_or(LOOK_EVERY, |pause| pause.min(LOOK_EVERY));
                tokio::select! {
                    () = sleep(pause) => {}
                    () = self.due.changed.notified() => {}
                }
                continue;
            }
            for appended in join_all(owners.into_iter().map(|owner| self.append(owner))).await {
                match appended {
                    true => ticks.increment(1),
                    false => failures.increment(1),
                }
            }
            sleep(PAUSE).await;
        }
    }

    async fn append(&self, owner: D::Owner) -> bool {
        let tick = Envelope::<D> {
            // The book's own rules are at least these.
            rules: Rules::FIRST,
            owner,
            attempt: None,
            key: None,
            received_at: self.clock.now(),
            command: D::tick(),
        };
        let appended = self.append.append(owner.log_key(), Bytes::from(tick.encode())).await;
        if let Err(error) = &appended {
            tracing::debug!(%owner, %error, "the log did not take a tick; it is tried again");
        }
        appended.is_ok()
    }

    /// Reads the stored due times of the partition's owners.
    async fn read_stored(&self) {
        for shard in (0..LogKey::SHARDS).filter(|shard| may_hold(*shard, self.partition, self.partitions)) {
            let read = loop {
                match self.stored.read(shard).await {
                    Ok(read) => break read,
                    Err(error) => {
                        tracing::warn!(partition = self.partition, kind = %error.kind(), %error, "due times cannot be read");
                        sleep(READ_RETRY).await;
                    }
                }
            };
            for one in read {
                match one.owner.parse::<D::Owner>() {
                    Ok(owner) if self.append.partition_of(owner.log_key()) == self.partition => {
                        self.due.times().read(owner, one.at);
                    }
                    Ok(_) => {}
                    Err(_) => tracing::error!(owner = %one.owner, "a due time is of no owner of this product"),
                }
            }
        }
        self.due.times().all_read();
    }
}
