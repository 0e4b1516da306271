//! The metrics of control.

tidegate_metric::declare! {
    pub(crate) READ_REQUESTS_RECEIVED: Counter = "tidegate_read_requests_received_total" { endpoint },
        "Requests that reached the read API, by endpoint (runs, run, agents, usage, spend, receipt, other).";
    pub(crate) READ_REQUESTS: Counter = "tidegate_read_requests_total" { endpoint, outcome, cause },
        "Reads by endpoint, outcome (answered, refused, failed, abandoned) and cause; their sum over all outcomes is the number received.";

    pub(crate) LOG_END_OFFSET: Gauge = "tidegate_log_end_offset" { generation, partition },
        "Offset after the last record of the log, by generation and partition, as control last read it.";
    pub(crate) CONSERVATION_RECORDS: Gauge = "tidegate_conservation_records" { state },
        "Records by state (accepted, stored, duplicate, conflict, dead, in_flight); accepted is the sum of the others. Where control has no access to the log, accepted and in_flight are absent.";
    pub(crate) CONSERVATION_DIFFERENCE: Gauge = "tidegate_conservation_difference" { generation, partition },
        "Accepted records less those that are accounted for, by generation and partition; anything but 0 is an error.";
    pub(crate) CONSERVATION_SAMPLED: Counter = "tidegate_conservation_sampled_total" { result },
        "Records that count as stored and that control looked up in the store, by result (found, missing); a missing one is looked up twice before it counts.";
    pub(crate) CONSERVATION_MISSING: Gauge = "tidegate_conservation_missing",
        "Records of the samples that the last lookup did not find in the store, at most 32; above 0 the store has lost settled records.";
}
