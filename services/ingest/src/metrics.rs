//! The metrics of the front door.

tidegate_metric::declare! {
    pub(crate) REQUESTS_RECEIVED: Counter = "tidegate_requests_received_total" { endpoint },
        "Requests that reached a front door, by endpoint (runs, events, finish, heartbeats, ping, other).";
    pub(crate) REQUESTS: Counter = "tidegate_requests_total" { endpoint, outcome, cause },
        "Requests by endpoint, outcome (accepted, repeated, refused, failed, abandoned, unknown) and cause; their sum over all outcomes is the number received.";

    pub(crate) CONNECTIONS_OPEN: Gauge = "tidegate_connections_open",
        "Connections open at the front door.";
    pub(crate) CONNECTIONS_MAX: Gauge = "tidegate_connections_max",
        "The most connections that may be open at once; beyond it the longest idle ones are closed for new ones.";

    pub(crate) REPORTED_UNTIL_SECONDS: Gauge = "tidegate_front_door_reported_until_seconds",
        "Until when this front door has reported to judges of schedules that it was ready, in seconds since 1970; 0 before its first report.";

    pub(crate) LOG_ACKED_OFFSET: Gauge = "tidegate_log_acked_offset" { generation, partition },
        "Highest offset that the log acknowledged to this front door, by generation and partition.";
}
