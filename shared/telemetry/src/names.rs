//! The names of all metrics, with what each one counts. Dashboards, alerts and tests stand on them: a name is
//! never reused for something else. Labels are bounded: no ids, no slugs, no text of a client.

/// How a metric behaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Only grows.
    Counter,
    /// Goes up and down.
    Gauge,
    /// A distribution, in seconds.
    Histogram,
}

/// A metric as `/metrics` describes it.
#[derive(Clone, Copy, Debug)]
pub struct Described {
    pub name: &'static str,
    pub kind: Kind,
    pub help: &'static str,
}

macro_rules! metrics {
    ($($kind:ident $constant:ident = $name:literal, $help:literal;)*) => {
        $(#[doc = $help] pub const $constant: &str = $name;)*

        /// Every metric there is.
        pub const ALL: &[Described] = &[$(Described { name: $name, kind: Kind::$kind, help: $help }),*];
    };
}

metrics! {
    Counter REQUESTS_RECEIVED = "tidegate_requests_received_total",
        "Requests that reached a front door, by endpoint (runs, events, finish, heartbeats, ping, other).";
    Counter REQUESTS = "tidegate_requests_total",
        "Requests by endpoint, outcome (accepted, repeated, refused, failed, abandoned, unknown) and cause. Over all outcomes they sum up to the received.";
    Histogram REQUEST_SECONDS = "tidegate_request_seconds",
        "From a request's head to its answer, by endpoint.";
    Gauge REQUESTS_IN_FLIGHT = "tidegate_requests_in_flight",
        "Requests being answered.";
    Gauge CONNECTIONS = "tidegate_connections",
        "Open connections of clients, by listener.";
    Counter EVENTS_ACCEPTED = "tidegate_events_accepted_total",
        "Events of accepted requests that were new.";

    Counter APPENDS = "tidegate_appends_total",
        "Records handed to the log, by outcome (persisted, not_persisted, unknown, too_large).";
    Histogram APPEND_SECONDS = "tidegate_append_seconds",
        "From handing a record to the log until the log says that it is safe.";

    Counter GATE_CALLS = "tidegate_gate_calls_total",
        "Questions to the gate, by outcome (admitted, held, refused, seeded, down).";
    Counter GATE_BYPASSED = "tidegate_gate_bypassed_total",
        "Requests admitted within the local share because the gate was down.";
    Counter CREDENTIAL_LOOKUPS = "tidegate_credential_lookups_total",
        "Credentials looked up, by outcome (hit, miss, stale, unavailable).";
    Gauge SHEDDING = "tidegate_shedding_share",
        "Share of requests being shed because consumers are behind, 0 to 1, by class (events, runs, finishes, heartbeats).";

    Counter RECORDS_READ = "tidegate_records_read_total",
        "Records the persister read from the log.";
    Counter RECORDS = "tidegate_records_total",
        "Records the persister is done with, by outcome (applied, duplicate, conflict, dead_lettered). They sum up to the read ones once it is idle.";
    Counter COMMITS = "tidegate_commits_total",
        "Offset commits, by outcome (committed, failed).";
    Counter SAVES_RETRIED = "tidegate_saves_retried_total",
        "Saves to the store that failed and were tried again.";
    Histogram BATCH_SECONDS = "tidegate_batch_seconds",
        "From a poll's records to their offset being committable.";
    Gauge LAG_RECORDS = "tidegate_lag_records",
        "Records on the log that are not applied yet.";
    Gauge LAG_AGE_SECONDS = "tidegate_lag_age_seconds",
        "Age of the oldest record on the log that is not applied yet.";

    Counter LOG_RECORDS_DROPPED = "tidegate_log_records_dropped_total",
        "Applied records that retention took off the log.";
    Counter ORPHANS_PURGED = "tidegate_orphans_purged_total",
        "Runs that never got an opening, purged a day after their last record.";
    Counter JOB_FAILURES = "tidegate_job_failures_total",
        "Background jobs that failed once and will be tried again, by job.";

    Gauge READY = "tidegate_ready",
        "1 while the process is ready, else 0.";
    Gauge STARTED_AT = "tidegate_started_at_seconds",
        "When the process was ready first, in seconds since 1970.";
    Gauge BUILD_INFO = "tidegate_build_info",
        "Always 1; the version is its label.";
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn names_are_distinct_and_say_their_kind() {
        let mut seen = HashSet::new();
        for metric in ALL {
            assert!(seen.insert(metric.name), "{} stands twice", metric.name);
            assert!(metric.name.starts_with("tidegate_"), "{}", metric.name);
            assert_eq!(metric.name.ends_with("_total"), metric.kind == Kind::Counter, "{}", metric.name);
            assert!(metric.kind != Kind::Histogram || metric.name.ends_with("_seconds"), "{}", metric.name);
            assert!(metric.help.ends_with('.'), "{}", metric.name);
        }
    }
}
