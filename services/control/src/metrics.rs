//! The metrics of control.

tidegate_metric::declare! {
    pub(crate) READ_REQUESTS_RECEIVED: Counter = "tidegate_read_requests_received_total" { endpoint },
        "Requests that reached the read API, by endpoint (runs, run, agents, usage, spend, receipt, other).";
    pub(crate) READ_REQUESTS: Counter = "tidegate_read_requests_total" { endpoint, outcome, cause },
        "Reads by endpoint, outcome (answered, refused, failed, abandoned) and cause; their sum over all outcomes is the number received.";
}
