//! What became of records: every record read ends in exactly one outcome.

use tidegate_kernel::Partition;
use tidegate_metric::{Counter, Gauge};
use tidegate_ports::Fate;

use crate::metrics::{
    COMMITS, PERSISTER_BRAKED, PERSISTER_RETRIES, PERSISTER_STALLED_SECONDS, RECORDS, RECORDS_READ, RECORDS_REREAD,
    STORE_WENT_BACK,
};

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
        let ended = |outcome: &'static str| RECORDS.with([("outcome", outcome)]);
        Tally {
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

    /// For how long records of the partition were read and none was committed, in seconds.
    pub fn stalled(partition: Partition) -> Gauge {
        PERSISTER_STALLED_SECONDS.with([("partition", partition.to_string())])
    }

    /// 1 while the brake holds the partition.
    pub fn braked(partition: Partition) -> Gauge {
        PERSISTER_BRAKED.with([("partition", partition.to_string())])
    }
}
