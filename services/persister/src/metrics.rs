//! The metrics of the persister.

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
