//! Letting partitions go: what was read of them is applied, settled and committed first, within a deadline.

use std::time::Duration;

use tidegate_kernel::PartitionEpoch;
use tokio::time::Instant;

use crate::apply::Apply;
use crate::consumer::{Consumer, StopReport, until};
use crate::lane::{Lane, LaneEvent};

impl<A: Apply> Consumer<A> {
    /// Drains every partition before the consumer ends.
    pub(crate) async fn drain_all(mut self, deadline: Duration) -> StopReport {
        let all: Vec<PartitionEpoch> = self.lanes.values().map(|lane| lane.of).collect();
        self.drain(&all, deadline).await;
        let halted: Vec<PartitionEpoch> =
            self.lanes.values().filter(|lane| lane.is_halted()).map(|lane| lane.of).collect();
        halted.into_iter().for_each(|halted| self.give_up(halted));
        let left = |lane: &Lane| lane.progress.open() + lane.progress.uncommitted();
        StopReport { uncommitted: self.lanes.values().map(left).sum() }
    }

    /// Waits until the lanes of these partitions have applied what they were given and it is settled and committed;
    /// gives up waiting at the deadline.
    pub(crate) async fn drain(&mut self, partitions: &[PartitionEpoch], deadline: Duration) {
        let end = Instant::now() + deadline;
        self.settle();
        loop {
            let is_awaited = |lane: &Lane| partitions.contains(&lane.of) && lane.is_busy();
            if self.settle_at.is_none() && !self.lanes.values().any(is_awaited) {
                break;
            }
            let settle_at = self.settle_at;
            tokio::select! {
                biased;
                Some(event) = self.events.recv() => {
                    let is_applied = matches!(event, LaneEvent::Applied { .. });
                    self.handle(event).await;
                    // No further batch comes that could share the settlement.
                    if is_applied {
                        self.settle();
                    }
                }
                () = until(settle_at) => self.settle(),
                () = tokio::time::sleep_until(end) => {
                    tracing::warn!(deadline_ms = deadline.as_millis() as u64, "draining ran into its deadline");
                    break;
                }
            }
        }
    }

    /// The partition is not ours any more: whatever of it is in progress is its next owner's to do.
    pub(crate) fn give_up(&mut self, assigned: PartitionEpoch) {
        // A later assignment of the partition stays.
        if self.lanes.get(&assigned.partition).is_some_and(|lane| lane.of == assigned)
            && let Some(lane) = self.lanes.remove(&assigned.partition)
        {
            self.applier.metrics.handed_back.increment(lane.progress.open() as u64);
            self.throttle.release(lane.abort());
        }
    }
}
