//! The metrics of the lag. What is refused by class is declared by the product whose classes they are
//! ([`ShedMetrics`](crate::ShedMetrics)).

use tidegate_metric::{Counter, Family, Gauge};
use tidegate_telemetry::LOG_MISMATCHED;

use crate::partition_watch::Standstill;

tidegate_metric::declare! {
    pub(crate) LAG_RECORDS: Gauge = "tidegate_lag_records",
        "Records on the log that are not applied yet.";
    pub(crate) LAG_AGE_SECONDS: Gauge = "tidegate_lag_age_seconds",
        "For how long the oldest record on the log that is not applied yet has waited.";
    pub(crate) LAG_DRAIN: Gauge = "tidegate_lag_drain_records_per_second",
        "By how many records per second the lag falls, over its last readings; below 0 while it grows.";
    pub(crate) LAG_READ_FAILURES: Counter = "tidegate_lag_read_failures_total",
        "Readings of the consumers' lag that failed: the lag gauges keep their last values then.";
    pub(crate) PARTITIONS_HALTED: Gauge = "tidegate_partitions_halted" { cause },
        "Halted partitions as read by this front door, by cause (halted: a persister stopped there; log_went_back: the log ends before what is accounted for); the gauges of lag leave them out.";
    pub(crate) DECIDER_LAG_RECORDS: Gauge = "tidegate_decider_lag_records" { api },
        "Commands on the log that are not decided yet, by API.";
    pub(crate) DECIDER_LAG_AGE_SECONDS: Gauge = "tidegate_decider_lag_age_seconds" { api },
        "For how long the oldest command on the log that is not decided yet has waited, by API.";
    pub(crate) DECIDER_LAG_DRAIN: Gauge = "tidegate_decider_lag_drain_records_per_second" { api },
        "By how many commands per second the lag falls, over its last readings; below 0 while it grows; by API.";
    pub(crate) DECIDER_LAG_READ_FAILURES: Counter = "tidegate_decider_lag_read_failures_total" { api },
        "Readings of the deciders' lag that failed, by API: the lag gauges keep their last values then.";
    pub(crate) DECIDER_PARTITIONS_HALTED: Gauge = "tidegate_decider_partitions_halted" { api, cause },
        "Halted partitions as read by this front door, by API and cause (halted: a command there cannot be decided; log_went_back: the log ends before what is accounted for); the gauges of lag leave them out.";
    pub(crate) DECIDER_LOG_MISMATCHED: Gauge = "tidegate_decider_log_mismatched" { api },
        "1 while the log is not as this process is configured, by API; else 0.";
}

/// The gauges of one watch.
pub(crate) struct LagMetrics {
    pub records: Gauge,
    pub age_seconds: Gauge,
    pub drain: Gauge,
    pub read_failures: Counter,
    halted: Gauge,
    log_went_back: Gauge,
    pub log_mismatched: Gauge,
}

impl LagMetrics {
    /// `api`: whose commands are decided; `None`: the process watches one other group.
    pub fn of(api: Option<&'static str>) -> Self {
        let gauge = |plain: Family<Gauge, 0>, of_api: Family<Gauge, 1>| {
            api.map_or_else(|| plain.handle(), |api| of_api.with([("api", api)]))
        };
        let halted = |cause: &'static str| match api {
            None => PARTITIONS_HALTED.with([("cause", cause)]),
            Some(api) => DECIDER_PARTITIONS_HALTED.with([("api", api), ("cause", cause)]),
        };
        LagMetrics {
            records: gauge(LAG_RECORDS, DECIDER_LAG_RECORDS),
            age_seconds: gauge(LAG_AGE_SECONDS, DECIDER_LAG_AGE_SECONDS),
            drain: gauge(LAG_DRAIN, DECIDER_LAG_DRAIN),
            read_failures: match api {
                None => LAG_READ_FAILURES.handle(),
                Some(api) => DECIDER_LAG_READ_FAILURES.with([("api", api)]),
            },
            halted: halted(Standstill::Halted.label()),
            log_went_back: halted(Standstill::LogWentBack.label()),
            log_mismatched: gauge(LOG_MISMATCHED, DECIDER_LOG_MISMATCHED),
        }
    }

    /// How many partitions are halted for this cause.
    pub const fn standing_still(&self, cause: Standstill) -> &Gauge {
        match cause {
            Standstill::Halted => &self.halted,
            Standstill::LogWentBack => &self.log_went_back,
        }
    }
}
