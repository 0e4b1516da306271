//! How far each partition of the log is applied, and how far the judge has to read its feed for that to be known.

use std::sync::Arc;

use tidegate_agentping_pulse::watermark::{PartitionId, PartitionProgress, PartitionReading};
use tidegate_kernel::Timestamp;
use tidegate_ports::{Account, Accounts, Clock, PartitionLag, ReadLag};

use super::Unjudged;

/// What is read of the log.
pub struct LogProgress {
    pub lag: Arc<dyn ReadLag>,
    pub accounts: Arc<dyn Accounts>,
    pub clock: Arc<dyn Clock>,
}

/// One partition.
#[derive(Clone, Copy, Debug)]
pub struct PartitionTarget {
    pub reading: PartitionReading,
    /// Rows of the feed below this offset are of settled records.
    pub settled: i64,
    /// Records among them that became dead letters.
    pub dead: u64,
    /// Before the offsets were asked for.
    pub asked_at: Timestamp,
}

impl LogProgress {
    /// Reads the progress of all partitions. A log that does not answer is an error: its partitions are then not known.
    ///
    /// # Errors
    /// [`Unjudged`].
    pub async fn read(&self) -> Result<Vec<PartitionTarget>, Unjudged> {
        // Before the offsets: a record that is appended after it need not be among them.
        let asked_at = self.clock.now();
        let accounts = self.accounts.accounts().await?;
        let partitions = self.lag.partitions(&accounts).await?;
        Ok(partitions.iter().map(|lag| target(lag, &accounts, asked_at)).collect())
    }
}

fn target(lag: &PartitionLag, accounts: &[Account], asked_at: Timestamp) -> PartitionTarget {
    let id: PartitionId = (lag.generation, lag.partition);
    let settled = PartitionLag::accounted_in(accounts, lag.generation, lag.partition);
    let applied = lag.committed.max(settled);
    let progress = match lag.oldest_appended_at {
        _ if lag.went_back() || lag.first > applied => PartitionProgress::Torn,
        _ if lag.next() >= lag.end => PartitionProgress::CaughtUp { asked_at },
        Some(oldest_appended_at) => PartitionProgress::Behind { oldest_appended_at },
        None => PartitionProgress::Unreadable,
    };
    let account = accounts.iter().find(|account| (account.generation, account.partition) == id);
    let dead = account.map_or(0, |account| account.dead);
    PartitionTarget { reading: PartitionReading { id, applied, progress }, settled, dead, asked_at }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lag(first: i64, committed: i64, accounted: i64, end: i64) -> PartitionLag {
        let waits = committed.max(accounted).max(first) < end;
        let oldest_appended_at = waits.then(|| Timestamp::from_millis(7));
        let (generation, partition, log_time) = (1, 3, None);
        PartitionLag { generation, partition, first, committed, accounted, end, oldest_appended_at, log_time }
    }

    fn progress(first: i64, committed: i64, accounted: i64, end: i64) -> PartitionProgress {
        let account = Account { next_offset: accounted, ..Account::opened(1, 3, 0) };
        target(&lag(first, committed, accounted, end), &[account], Timestamp::from_millis(9)).reading.progress
    }

    /// 2.2 of the reference: the oldest unapplied record's append time, else the instant before the question; an end below
    /// what is applied, or a first offset above it, is a stall.
    #[test]
    fn a_partition_is_as_far_as_its_account_or_its_group() {
        let caught_up = PartitionProgress::CaughtUp { asked_at: Timestamp::from_millis(9) };
        let behind = PartitionProgress::Behind { oldest_appended_at: Timestamp::from_millis(7) };
        assert_eq!(progress(0, 0, 0, 0), caught_up);
        assert_eq!(progress(0, 5, 5, 5), caught_up);
        assert_eq!(progress(0, 0, 5, 5), caught_up, "the group was lost");
        assert_eq!(progress(0, 3, 5, 6), behind);
        assert_eq!(progress(0, 5, 9, 6), PartitionProgress::Torn, "the log went back");
        assert_eq!(progress(8, 5, 5, 9), PartitionProgress::Torn, "records were deleted before they were applied");
    }
}
