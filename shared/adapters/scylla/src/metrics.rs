//! The metrics of the store on CQL. Labels are bounded: `kind` is one of the statements' names, `outcome` is `ok` or
//! the kind of the failure.

use tidegate_ports::FailureKind;

tidegate_metric::declare! {
    pub(crate) REQUESTS: Counter = "tidegate_cql_requests_total" { kind, outcome },
        "Requests sent to the CQL cluster, each retry counted, by kind of statement and outcome (ok, timeout, refused, overloaded, unreachable, broken).";
    pub(crate) RETRIES: Counter = "tidegate_cql_retries_total" { kind },
        "Requests to the CQL cluster retried after a transient failure, by kind of statement.";
    pub(crate) REQUEST_SECONDS: Histogram = "tidegate_cql_request_seconds" { kind },
        "How long requests to the CQL cluster took, by kind of statement.";
}

/// Registers the counters of a kind at zero, so that a scrape shows them before the first request.
pub(crate) fn register(kind: &'static str) {
    for outcome in std::iter::once("ok").chain(FailureKind::ALL.map(FailureKind::as_str)) {
        REQUESTS.with([("kind", kind), ("outcome", outcome)]).increment(0);
    }
    RETRIES.with([("kind", kind)]).increment(0);
}
