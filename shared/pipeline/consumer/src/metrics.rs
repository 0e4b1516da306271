//! The consumer's metrics: every record read ends in exactly one outcome.

use metrics::{Counter, Gauge};
use tidegate_kernel::Partition;
use tidegate_ports::Fate;
use tidegate_telemetry::names;

/// Counters of a consumer. At rest, `read` equals the sum of the outcomes.
pub(crate) struct ConsumerMetrics {
    pub read: Counter,
    applied: Counter,
    duplicate: Counter,
    conflict: Counter,
    dead_lettered: Counter,
    /// Folded before, by an owner that ended before it committed.
    redelivered: Counter,
    /// Read under an assignment that ended before they were applied; the next owner reads them again.
    pub handed_back: Counter,
    /// Read once more because the store may have lost them; counted among the read ones, too.
    pub reread: Counter,
    /// Partitions read again because a server of the store had started again.
    pub went_back: Counter,
    pub commits: Counter,
    pub retries: Counter,
}

impl ConsumerMetrics {
    pub fn new() -> Self {
        let ended = |outcome: &'static str| metrics::counter!(names::RECORDS, "outcome" => outcome);
        ConsumerMetrics {
            read: metrics::counter!(names::RECORDS_READ),
            applied: ended("applied"),
            duplicate: ended("duplicate"),
            conflict: ended("conflict"),
            dead_lettered: ended("dead_lettered"),
            redelivered: ended("redelivered"),
            handed_back: ended("handed_back"),
            reread: metrics::counter!(names::RECORDS_REREAD),
            went_back: metrics::counter!(names::STORE_WENT_BACK),
            commits: metrics::counter!(names::COMMITS),
            retries: metrics::counter!(names::PERSISTER_RETRIES),
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
}

/// Seconds for which records of the partition were read and none was committed.
pub(crate) fn stalled(partition: Partition) -> Gauge {
    metrics::gauge!(names::PERSISTER_STALLED_SECONDS, "partition" => partition.to_string())
}

/// 1 while the partition is halted.
pub(crate) fn braked(partition: Partition) -> Gauge {
    metrics::gauge!(names::PERSISTER_BRAKED, "partition" => partition.to_string())
}
