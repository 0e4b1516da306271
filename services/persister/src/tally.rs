//! What became of records: every record read ends in exactly one outcome.

use metrics::{Counter, Gauge};
use tidegate_kernel::Partition;
use tidegate_ports::Fate;

/// Counters of the persister. At rest, `read` equals the sum of the others.
pub(crate) struct Tally {
    pub read: Counter,
    applied: Counter,
    duplicate: Counter,
    conflict: Counter,
    dead_lettered: Counter,
    /// Folded before, by an owner that ended before it committed.
    redelivered: Counter,
    /// Read under an assignment that ended before they were applied; their next owner reads them again.
    pub handed_back: Counter,
    /// Read once more because the store may have lost them; counted among the read ones, too.
    pub reread: Counter,
    /// Partitions read again because a server of the store had started again.
    pub went_back: Counter,
    pub commits: Counter,
    pub retries: Counter,
}

impl Tally {
    pub fn new() -> Self {
        let ended = |outcome: &'static str| metrics::counter!("tidegate_records_total", "outcome" => outcome);
        Tally {
            read: metrics::counter!("tidegate_records_read_total"),
            applied: ended("applied"),
            duplicate: ended("duplicate"),
            conflict: ended("conflict"),
            dead_lettered: ended("dead_lettered"),
            redelivered: ended("redelivered"),
            handed_back: ended("handed_back"),
            reread: metrics::counter!("tidegate_records_reread_total"),
            went_back: metrics::counter!("tidegate_store_went_back_total"),
            commits: metrics::counter!("tidegate_commits_total"),
            retries: metrics::counter!("tidegate_persister_retries_total"),
        }
    }

    /// Counts what became of records; `None`: they were folded under an earlier assignment.
    pub fn count(&self, fates: impl Iterator<Item = Option<Fate>>) {
        for fate in fates {
            let counter = match fate {
                Some(Fate::Stored) => &self.applied,
                Some(Fate::Duplicate) => &self.duplicate,
                Some(Fate::Conflict) => &self.conflict,
                Some(Fate::Dead) => &self.dead_lettered,
                None => &self.redelivered,
            };
            counter.increment(1);
        }
    }

    /// For how long records of the partition were read and none was committed, in seconds.
    pub fn stalled(partition: Partition) -> Gauge {
        metrics::gauge!("tidegate_persister_stalled_seconds", "partition" => partition.to_string())
    }

    /// 1 while the brake holds the partition.
    pub fn braked(partition: Partition) -> Gauge {
        metrics::gauge!("tidegate_persister_braked", "partition" => partition.to_string())
    }
}
