//! The metrics of control.

tidegate_metric::declare! {
    pub(crate) READ_REQUESTS_RECEIVED: Counter = "tidegate_read_requests_received_total" { endpoint },
        "Requests that reached the read and management API, by endpoint (runs, run, agents, usage, spend, receipt, schedule, tokens and so on, other).";
    pub(crate) READ_REQUESTS: Counter = "tidegate_read_requests_total" { endpoint, outcome, cause },
        "Requests of the read and management API by endpoint, outcome (answered, refused, failed, abandoned) and cause; their sum over all outcomes is the number received.";
}
