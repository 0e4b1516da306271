//! The consumer's metrics: every record read ends in exactly one outcome.

use tidegate_kernel::Partition;
use tidegate_metric::{Counter, Gauge};
use tidegate_ports::Fate;

tidegate_metric::declare! {
    pub(crate) RECORDS_READ: Counter = "tidegate_records_read_total",
        "Records the persister read from the log.";
    pub(crate) RECORDS: Counter = "tidegate_records_total" { outcome },
        "Records the persister is done with, by outcome (applied, duplicate, conflict, dead_lettered, redelivered, handed_back); once it is idle they sum up to the read ones.";
    pub(crate) RECORDS_REREAD: Counter = "tidegate_records_reread_total",
        "Records the persister read again because a server of the store had started again and may have lost them; they are among the read ones, too.";
    pub(crate) STORE_WENT_BACK: Counter = "tidegate_store_went_back_total",
        "Times a partition's last records were read again because a server of the store had started again, or lacked what was settled.";
    pub(crate) COMMITS: Counter = "tidegate_commits_total",
        "Offsets committed.";
    pub(crate) PERSISTER_RETRIES: Counter = "tidegate_persister_retries_total",
        "Steps of the persister (loads, notes, saves, settlements, dead letters) that failed and were tried again.";
    pub(crate) PERSISTER_BRAKED: Gauge = "tidegate_persister_braked" { partition },
        "1 while the brake holds a partition because too many of its records cannot be applied, by partition; else 0.";
    pub(crate) PERSISTER_STALLED_SECONDS: Gauge = "tidegate_persister_stalled_seconds" { partition },
        "For how long a partition has had records that were read and no commit, by partition; 0 while it goes on or the brake holds it.";
}

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
        let ended = |outcome: &'static str| RECORDS.with([("outcome", outcome)]);
        ConsumerMetrics {
            read: RECORDS_READ.handle(),
            applied: ended("applied"),
            duplicate: ended("duplicate"),
            conflict: ended("conflict"),
            dead_lettered: ended("dead_lettered"),
            redelivered: ended("redelivered"),
            handed_back: ended("handed_back"),
            reread: RECORDS_REREAD.handle(),
            went_back: STORE_WENT_BACK.handle(),
            commits: COMMITS.handle(),
            retries: PERSISTER_RETRIES.handle(),
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
    PERSISTER_STALLED_SECONDS.with([("partition", partition.to_string())])
}

/// 1 while the partition is halted.
pub(crate) fn braked(partition: Partition) -> Gauge {
    PERSISTER_BRAKED.with([("partition", partition.to_string())])
}
