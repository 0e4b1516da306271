//! How far a group has read, before it consumes: its offsets, setting them back, and checking the records ahead.

use tidegate_kernel::Partition;
use tidegate_ports::LogError;
use tokio::sync::oneshot;

use super::EmbeddedLog;
use super::request::Request;
use super::state::{PartitionState, closed};
use crate::sqlite::failure::broken_off;

/// Bytes of records checked in one read.
const CHECKED_BYTES: usize = 8 << 20;

/// How far a group has read a partition, as offsets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct GroupProgress {
    /// First retained and next offset of the partition.
    pub first: i64,
    pub end: i64,
    /// What the group reads next.
    pub committed: i64,
}

impl EmbeddedLog {
    /// How far a group has read, by partition. A group that is not known begins with the first record kept.
    pub(crate) fn progress(&self, group: &str) -> Vec<GroupProgress> {
        let state = self.inner.shared.state();
        let committed = state.groups.get(group).map(|group| &group.committed);
        let progress = |(index, lane): (usize, &PartitionState)| GroupProgress {
            first: lane.first_offset,
            end: lane.tail.end(),
            committed: committed.map_or(lane.first_offset, |committed| committed[index]),
        };
        state.lanes.iter().enumerate().map(progress).collect()
    }

    /// Lets a group read again from an offset on, while none of it consumes.
    ///
    /// # Errors
    /// [`LogError`].
    pub(crate) async fn rewind(&self, group: &str, partition: Partition, to: i64) -> Result<(), LogError> {
        let (reply, answer) = oneshot::channel();
        let rewind = Request::Rewind { group: group.to_owned(), partition, to, reply };
        self.inner.requests.send(rewind).await.map_err(|_| closed())?;
        answer.await.unwrap_or_else(|_| Err(closed()))
    }

    /// Whether the records of `[from, until)` are what was written.
    ///
    /// # Errors
    /// [`LogError::Broken`] names the first that is not.
    pub(crate) async fn check(&self, partition: Partition, from: i64, until: i64) -> Result<(), LogError> {
        let reader = self.reader()?;
        let check = move || {
            let mut next = from;
            while next < until {
                next = reader.check(partition, next, until, CHECKED_BYTES)?;
            }
            Ok(())
        };
        let checked = tokio::task::spawn_blocking(check).await;
        checked.map_err(|error| LogError::Unavailable(broken_off("a check", error)))?
    }
}
