//! What this adapter counts. Labels are bounded: `kind` is one of the statements' names, `outcome` one of three words.

/// Requests sent to the cluster, a retry being another one: `kind`, and `outcome` in `ok`, `unavailable`, `broken`.
pub const REQUESTS: &str = "tidegate_cql_requests_total";

/// Requests sent again after a failure that may pass, by `kind`.
pub const RETRIES: &str = "tidegate_cql_retries_total";

/// How long requests took, in seconds, by `kind`.
pub const REQUEST_SECONDS: &str = "tidegate_cql_request_seconds";

/// Makes the counters of a kind, so that a scrape finds them at zero before anything has happened.
pub(crate) fn register(kind: &'static str) {
    for outcome in ["ok", "unavailable", "broken"] {
        metrics::counter!(REQUESTS, "kind" => kind, "outcome" => outcome).increment(0);
    }
    metrics::counter!(RETRIES, "kind" => kind).increment(0);
}
