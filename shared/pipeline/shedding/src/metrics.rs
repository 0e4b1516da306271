//! The metrics of the lag. What is refused by class is declared by the product whose classes they are
//! ([`ShedMetrics`](crate::ShedMetrics)).

tidegate_metric::declare! {
    pub(crate) LAG_RECORDS: Gauge = "tidegate_lag_records",
        "Records on the log that are not applied yet.";
    pub(crate) LAG_AGE_SECONDS: Gauge = "tidegate_lag_age_seconds",
        "For how long the oldest record on the log that is not applied yet has waited.";
    pub(crate) LAG_DRAIN: Gauge = "tidegate_lag_drain_records_per_second",
        "By how many records a second the lag sinks, over its last readings; below 0 while it grows.";
    pub(crate) LAG_READ_FAILURES: Counter = "tidegate_lag_read_failures_total",
        "Readings of the consumers' lag that failed: the lag gauges keep their last values then.";
    pub(crate) PARTITIONS_HALTED: Gauge = "tidegate_partitions_halted" { cause },
        "Partitions that stand still by what this front door reads, by cause (halted: a persister stopped there; log_went_back: the log ends before what is accounted for); the gauges of lag leave them out.";
}
