//! What this adapter counts. Labels are bounded: `kind` is one of the statements' names, `outcome` `ok` or the
//! kind of the failure.

use tidegate_ports::FailureKind;

/// Requests sent to the cluster, a retry being another one: `kind`, and `outcome`, which is `ok` or the word of a
/// [`FailureKind`].
pub const REQUESTS: &str = "tidegate_cql_requests_total";

/// Requests sent again after a failure that may pass, by `kind`.
pub const RETRIES: &str = "tidegate_cql_retries_total";

/// How long requests took, in seconds, by `kind`.
pub const REQUEST_SECONDS: &str = "tidegate_cql_request_seconds";

/// Makes the counters of a kind, so that a scrape finds them at zero before anything has happened.
pub(crate) fn register(kind: &'static str) {
    for outcome in std::iter::once("ok").chain(FailureKind::ALL.map(FailureKind::as_str)) {
        metrics::counter!(REQUESTS, "kind" => kind, "outcome" => outcome).increment(0);
    }
    metrics::counter!(RETRIES, "kind" => kind).increment(0);
}
