//! The names of all metrics, with what each one counts. Dashboards, alerts and tests stand on them: a name is
//! never reused for something else. Labels are bounded: no ids, no slugs, no text of a client.

/// How a metric behaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Only grows.
    Counter,
    /// Goes up and down.
    Gauge,
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
        "Requests by endpoint, outcome (accepted, repeated, refused, failed, abandoned, unknown) and cause; over all outcomes they sum up to the received.";
    Counter READ_REQUESTS_RECEIVED = "tidegate_read_requests_received_total",
        "Requests that reached the read API, by endpoint (runs, run, agents, usage, spend, receipt, other).";
    Counter READ_REQUESTS = "tidegate_read_requests_total",
        "Reads by endpoint, outcome (answered, refused, failed, abandoned) and cause; over all outcomes they sum up to the received.";

    Gauge REQUESTS_IN_FLIGHT = "tidegate_requests_in_flight",
        "Requests under way at the front door, those included whose client has left.";
    Gauge REQUESTS_IN_FLIGHT_MAX = "tidegate_requests_in_flight_max",
        "As many may be under way at once; further ones are refused.";
    Gauge BODY_BYTES_IN_FLIGHT = "tidegate_body_bytes_in_flight",
        "Bytes of request bodies under way at the front door, as sent and decoded.";
    Gauge BODY_BYTES_IN_FLIGHT_MAX = "tidegate_body_bytes_in_flight_max",
        "As many may be under way at once; requests with further ones are refused.";
    Gauge ANSWER_BYTES_IN_FLIGHT = "tidegate_answer_bytes_in_flight",
        "Bytes that the read API's answers under way take: before the store has answered, the most that they may take.";
    Gauge ANSWER_BYTES_IN_FLIGHT_MAX = "tidegate_answer_bytes_in_flight_max",
        "As many may be under way at once; further answers wait for a second and are then refused.";
    Counter ANSWERS_REFUSED = "tidegate_answers_refused_total",
        "Reads refused because the answers under way took all bytes that there are for them.";
    Gauge CONNECTIONS_OPEN = "tidegate_connections_open",
        "Connections open at the front door.";
    Gauge CONNECTIONS_MAX = "tidegate_connections_max",
        "As many may be open at once; beyond it those that wait longest for a request give way to new ones.";
    Counter CONNECTIONS_GAVE_WAY = "tidegate_connections_gave_way_total",
        "Connections that waited for a request and gave way to new ones, because all were taken, by port (ingest, control, ops).";
    Counter REQUESTS_UNREADABLE = "tidegate_requests_unreadable_total",
        "Requests whose head could not be read, by port and cause (head_malformed, target_too_long, head_too_large); they are not among the received.";

    Counter GATE_DOWN = "tidegate_gate_down_total",
        "Questions that the gate did not answer: such requests were judged by the local share.";
    Counter CONFIRMS_DROPPED = "tidegate_confirms_dropped_total",
        "Confirmations of claims that were dropped because too many were under way, which is safe.";

    Counter IDS_REUSED = "tidegate_ids_reused_total",
        "Calls that close a run which was closed before and that are no retries: they say another status, or come more than ten minutes after the first.";
    Gauge GATE_CLAIMS = "tidegate_gate_claims",
        "Claims that the gate holds in this process' memory.";
    Gauge GATE_CLAIM_BYTES = "tidegate_gate_claim_bytes",
        "Bytes that these claims take at most: admission.max_claim_bytes bounds them.";
    Counter UNCOMPARED = "tidegate_uncompared_total",
        "Requests taken whose ids could be compared with nothing: the gate had lost its memory, and the store was down.";
    Counter AGENT_CAP_WARNINGS = "tidegate_agent_cap_warnings_total",
        "Teams that were seen to have four fifths of the agents that their plan allows, each counted once; the log names them.";

    Counter CREDENTIALS_STALE = "tidegate_credentials_stale_total",
        "Look-ups of credentials that the store did not answer, and that were answered from memory instead.";

    Counter RECORDS_READ = "tidegate_records_read_total",
        "Records the persister read from the log.";
    Counter RECORDS = "tidegate_records_total",
        "Records the persister is done with, by outcome (applied, duplicate, conflict, dead_lettered, redelivered, handed_back); once it is idle they sum up to the read ones.";
    Counter RECORDS_REREAD = "tidegate_records_reread_total",
        "Records the persister read again because a server of the store had started again and may have lost them; they are among the read ones, too.";
    Counter STORE_WENT_BACK = "tidegate_store_went_back_total",
        "Times a partition's last records were read again because a server of the store had started again, or lacked what was settled.";
    Counter COMMITS = "tidegate_commits_total",
        "Offsets committed.";
    Counter PERSISTER_RETRIES = "tidegate_persister_retries_total",
        "Steps of the persister (loads, notes, saves, settlements, dead letters) that failed and were tried again.";
    Gauge PERSISTER_BRAKED = "tidegate_persister_braked",
        "1 while the brake holds a partition because too many of its records cannot be applied, by partition; else 0.";
    Gauge PERSISTER_STALLED_SECONDS = "tidegate_persister_stalled_seconds",
        "For how long a partition has had records that were read and no commit, by partition; 0 while it goes on or the brake holds it.";
    Gauge LAG_RECORDS = "tidegate_lag_records",
        "Records on the log that are not applied yet.";
    Gauge LAG_AGE_SECONDS = "tidegate_lag_age_seconds",
        "For how long the oldest record on the log that is not applied yet has waited.";
    Gauge LAG_DRAIN = "tidegate_lag_drain_records_per_second",
        "By how many records a second the lag sinks, over its last readings; below 0 while it grows.";
    Counter LAG_READ_FAILURES = "tidegate_lag_read_failures_total",
        "Readings of the consumers' lag that failed: the lag gauges keep their last values then.";
    Gauge PARTITIONS_HALTED = "tidegate_partitions_halted",
        "Partitions that stand still by what this front door reads, by cause (halted: a persister stopped there; log_went_back: the log ends before what is accounted for); the gauges of lag leave them out.";
    Gauge LOG_MISMATCHED = "tidegate_log_mismatched",
        "1 while the log has other partitions than this process is configured for, else 0.";
    Counter SHED = "tidegate_shed_total",
        "Requests refused because the persisters are behind, by class (events, start, finish, heartbeat) and cause (age, records, unknown, partition_halted).";
    Gauge SHED_PRESSURE = "tidegate_shed_pressure",
        "How much is shed: 0 nothing, 0.25 all events, 0.5 starts too, 0.75 finishes too, 1 everything.";

    Gauge LOG_ACKED_OFFSET = "tidegate_log_acked_offset",
        "Highest offset that the log acknowledged to this front door, by generation and partition.";
    Gauge LOG_END_OFFSET = "tidegate_log_end_offset",
        "Offset after the last record of the log, by generation and partition, as control last read it.";
    Gauge CONSERVATION_RECORDS = "tidegate_conservation_records",
        "Records by state (accepted, stored, duplicate, conflict, dead, in_flight); accepted is the sum of the others. Absent where control knows no log: accepted, in_flight.";
    Gauge CONSERVATION_DIFFERENCE = "tidegate_conservation_difference",
        "Accepted records less those that are accounted for, by generation and partition: 0, or something is wrong.";
    Counter CONSERVATION_SAMPLED = "tidegate_conservation_sampled_total",
        "Records that the accounts call stored and that control looked up in the store, by result (found, missing); a missing one is looked for twice before it counts.";
    Gauge CONSERVATION_MISSING = "tidegate_conservation_missing",
        "Records of the samples that are not in the store by the last look, at most 32: 0, or the store has lost what was settled.";

    Gauge DISK_FREE_BYTES = "tidegate_disk_free_bytes",
        "Bytes free for the embedded data folder on its disk.";
    Gauge DISK_TOTAL_BYTES = "tidegate_disk_total_bytes",
        "Size of the disk that the embedded data folder is on.";

    Counter ORPHANS_PURGED = "tidegate_orphans_purged_total",
        "Runs that never got an opening, purged a day after their last record.";
    Counter JOB_FAILURES = "tidegate_job_failures_total",
        "Background jobs that failed once and will be tried again, by task (a label named job would collide with the scraper's own).";

    Counter LOG_LINES_DROPPED = "tidegate_log_lines_dropped_total",
        "Log lines that were lost because too many waited to be written or because standard error did not take them.";

    Gauge READY = "tidegate_ready",
        "1 while the process is ready, else 0.";
    Gauge STARTED_AT_SECONDS = "tidegate_started_at_seconds",
        "When the process became ready, in seconds since 1970.";
    Gauge BUILD_INFO = "tidegate_build_info",
        "Always 1; the version and the role (dev, ingest, persist, control, rebuild) are its labels.";
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
            assert!(metric.help.ends_with('.'), "{}", metric.name);
        }
    }
}
