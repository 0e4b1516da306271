//! The metrics of control.

tidegate_metric::declare! {
    pub(crate) READ_REQUESTS_RECEIVED: Counter = "tidegate_read_requests_received_total" { endpoint },
        "Requests that reached the read and management API, by endpoint (runs, run, agents, usage, spend, receipt, schedule, tokens and so on, other).";
    pub(crate) READ_REQUESTS: Counter = "tidegate_read_requests_total" { endpoint, outcome, cause },
        "Requests of the read and management API by endpoint, outcome (answered, refused, failed, abandoned) and cause; their sum over all outcomes is the number received.";
    pub(crate) GUARD_DECISIONS: Counter = "tidegate_guard_decisions_total" { decision },
        "Checks of guard that were decided: allow, block, or inactive for a plan without guard.";
    pub(crate) GUARD_SUMS_AGE_SECONDS: Gauge = "tidegate_guard_sums_age_seconds",
        "How old the sums of spend are that guard decides by; beyond 300 its checks by rules are refused.";
}
