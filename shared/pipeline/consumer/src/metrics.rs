//! The consumer's metrics: every record read ends in exactly one outcome.

use tidegate_kernel::Partition;
use tidegate_metric::{Counter, Family, Gauge};
use tidegate_ports::Fate;

tidegate_metric::declare! {
    pub(crate) RECORDS_READ: Counter = "tidegate_records_read_total",
        "Records the persister read from the log.";
    pub(crate) RECORDS: Counter = "tidegate_records_total" { outcome },
        "Records the persister is done with, by outcome (applied, duplicate, conflict, dead_lettered, redelivered, handed_back); once it is idle their sum is the number read.";
    pub(crate) RECORDS_REREAD: Counter = "tidegate_records_reread_total",
        "Records the persister read again because a server of the store had started again and may have lost them; they are among the read ones, too.";
    pub(crate) STORE_WENT_BACK: Counter = "tidegate_store_went_back_total",
        "Times a partition's last records were read again because a server of the store had started again, or lacked what was settled.";
    pub(crate) COMMITS: Counter = "tidegate_commits_total",
        "Offsets committed.";
    pub(crate) PERSISTER_RETRIES: Counter = "tidegate_persister_retries_total",
        "Steps of the persister (loads, notes, saves, settlements, dead letters) that failed and were retried.";
    pub(crate) PERSISTER_BRAKED: Gauge = "tidegate_persister_braked" { partition },
        "1 while the brake holds a partition because too many of its records cannot be applied, by partition; else 0.";
    pub(crate) PERSISTER_STALLED_SECONDS: Gauge = "tidegate_persister_stalled_seconds" { partition },
        "For how long a partition has had records that were read and no commit, by partition; 0 while it makes progress or the brake holds it.";
    pub(crate) DECIDER_RECORDS_READ: Counter = "tidegate_decider_records_read_total" { api },
        "Commands that deciders read from the log, by API.";
    pub(crate) DECIDER_RECORDS: Counter = "tidegate_decider_records_total" { api, outcome },
        "Commands that deciders are done with, by API and outcome (applied, duplicate, conflict: refused; dead_lettered: void; redelivered, handed_back); once they are idle these sum up to the read ones.";
    pub(crate) DECIDER_RECORDS_REREAD: Counter = "tidegate_decider_records_reread_total" { api },
        "Commands that deciders read again because a server of the store had started again and may have lost what they made, by API.";
    pub(crate) DECIDER_STORE_WENT_BACK: Counter = "tidegate_decider_store_went_back_total" { api },
        "Times a partition's last commands were read again because a server of the store had started again, or lacked what was settled, by API.";
    pub(crate) DECIDER_COMMITS: Counter = "tidegate_decider_commits_total" { api },
        "Offsets that deciders committed, by API.";
    pub(crate) DECIDER_RETRIES: Counter = "tidegate_decider_retries_total" { api },
        "Steps of deciders (loads, saves, settlements) that failed and were retried, by API.";
    pub(crate) DECIDER_HALTED: Gauge = "tidegate_decider_halted" { api, partition },
        "1 while a partition is halted because a command on it cannot be decided, by API and partition; else 0.";
    pub(crate) DECIDER_STALLED_SECONDS: Gauge = "tidegate_decider_stalled_seconds" { api, partition },
        "For how long a partition has had commands that were read and no commit, by API and partition; 0 while it makes progress or is halted.";
}

/// Counters of a consumer. At rest, `read` equals the sum of the outcomes.
pub(crate) struct ConsumerMetrics {
    /// The API whose commands are decided; `None`: the process has one other consumer.
    api: Option<&'static str>,
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
    pub fn new(api: Option<&'static str>) -> Self {
        let one = |plain: Family<Counter, 0>, of_api: Family<Counter, 1>| {
            api.map_or_else(|| plain.handle(), |api| of_api.with([("api", api)]))
        };
        let ended = |outcome: &'static str| match api {
            None => RECORDS.with([("outcome", outcome)]),
            Some(api) => DECIDER_RECORDS.with([("api", api), ("outcome", outcome)]),
        };
        ConsumerMetrics {
            api,
            read: one(RECORDS_READ, DECIDER_RECORDS_READ),
            applied: ended("applied"),
            duplicate: ended("duplicate"),
            conflict: ended("conflict"),
            dead_lettered: ended("dead_lettered"),
            redelivered: ended("redelivered"),
            handed_back: ended("handed_back"),
            reread: one(RECORDS_REREAD, DECIDER_RECORDS_REREAD),
            went_back: one(STORE_WENT_BACK, DECIDER_STORE_WENT_BACK),
            commits: one(COMMITS, DECIDER_COMMITS),
            retries: one(PERSISTER_RETRIES, DECIDER_RETRIES),
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

    pub fn partition(&self, partition: Partition) -> PartitionGauges {
        let partition = partition.to_string();
        let gauges = match self.api {
            None => PartitionGauges {
                braked: PERSISTER_BRAKED.with([("partition", partition.clone())]),
                stalled_seconds: PERSISTER_STALLED_SECONDS.with([("partition", partition)]),
            },
            Some(api) => PartitionGauges {
                braked: DECIDER_HALTED.with([("api", api.to_owned()), ("partition", partition.clone())]),
                stalled_seconds: DECIDER_STALLED_SECONDS.with([("api", api.to_owned()), ("partition", partition)]),
            },
        };
        gauges.clear();
        gauges
    }
}

/// The gauges of one assigned partition.
pub(crate) struct PartitionGauges {
    /// 1 while the partition is halted.
    pub braked: Gauge,
    /// Seconds for which records of the partition were read and none was committed.
    pub stalled_seconds: Gauge,
}

impl PartitionGauges {
    pub fn clear(&self) {
        self.braked.set(0.0);
        self.stalled_seconds.set(0.0);
    }
}
