//! The names of admission's metrics. The telemetry crate, which admission does not know, has them again with their
//! descriptions; a test holds the two together.

pub(crate) const GATE_DOWN: &str = "tidegate_gate_down_total";
pub(crate) const CONFIRMS_DROPPED: &str = "tidegate_confirms_dropped_total";
pub(crate) const IDS_REUSED: &str = "tidegate_ids_reused_total";
pub(crate) const GATE_CLAIMS: &str = "tidegate_gate_claims";
pub(crate) const GATE_CLAIM_BYTES: &str = "tidegate_gate_claim_bytes";
pub(crate) const UNCOMPARED: &str = "tidegate_uncompared_total";
pub(crate) const AGENT_CAP_WARNINGS: &str = "tidegate_agent_cap_warnings_total";
pub(crate) const CREDENTIALS_STALE: &str = "tidegate_credentials_stale_total";
pub(crate) const LAG_READ_FAILURES: &str = "tidegate_lag_read_failures_total";
pub(crate) const LAG_RECORDS: &str = "tidegate_lag_records";
pub(crate) const LAG_AGE_SECONDS: &str = "tidegate_lag_age_seconds";
pub(crate) const LAG_DRAIN: &str = "tidegate_lag_drain_records_per_second";
pub(crate) const PARTITIONS_HALTED: &str = "tidegate_partitions_halted";
pub(crate) const LOG_MISMATCHED: &str = "tidegate_log_mismatched";
pub(crate) const SHED: &str = "tidegate_shed_total";
pub(crate) const SHED_PRESSURE: &str = "tidegate_shed_pressure";

/// Registers the counters of a whole admission, so that a scrape finds them at zero before anything has happened: an
/// alert on a rise must see what it rose from.
pub(crate) fn register() {
    for name in [GATE_DOWN, CONFIRMS_DROPPED, IDS_REUSED, UNCOMPARED, AGENT_CAP_WARNINGS, LAG_READ_FAILURES] {
        metrics::counter!(name).increment(0);
    }
}
