//! The endpoints as they are counted.

use tidegate_door::OutcomeMetrics;

use crate::metrics::{REQUESTS, REQUESTS_RECEIVED};

/// The front doors' counters.
pub(crate) const COUNTED: &OutcomeMetrics = &OutcomeMetrics { received: REQUESTS_RECEIVED, ended: REQUESTS };

tidegate_door::labels! {
    /// The endpoints, as metrics name them.
    pub enum Endpoint {
        Runs "runs";
        Events "events";
        Finish "finish";
        Heartbeats "heartbeats";
        Ping "ping";
        /// Everything else: unknown routes, the description of the interface.
        Other "other";
    }
}

/// The endpoint of a path that has a route, and its methods.
pub(crate) fn known_path(path: &str) -> (Endpoint, &'static str) {
    match path {
        "/v1/runs" => (Endpoint::Runs, "POST"),
        "/v1/heartbeats" => (Endpoint::Heartbeats, "POST"),
        "/v1/ping" => (Endpoint::Ping, "GET"),
        "/openapi.json" | "/healthz" | "/" => (Endpoint::Other, "GET, HEAD"),
        path if path.ends_with("/events") => (Endpoint::Events, "POST"),
        _ => (Endpoint::Finish, "POST"),
    }
}
