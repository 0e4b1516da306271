//! The endpoints as they are counted.

use tidegate_door::{Label, OutcomeMetrics};

use crate::metrics::{REQUESTS, REQUESTS_RECEIVED};

/// The front doors' counters.
pub(crate) const COUNTED: &OutcomeMetrics = &OutcomeMetrics { received: REQUESTS_RECEIVED, ended: REQUESTS };

/// The endpoints, as metrics name them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Endpoint {
    Runs,
    Events,
    Finish,
    Heartbeats,
    Ping,
    /// Everything else: unknown routes, the description of the interface.
    Other,
}

impl Label for Endpoint {
    const ALL: &'static [Endpoint] =
        &[Endpoint::Runs, Endpoint::Events, Endpoint::Finish, Endpoint::Heartbeats, Endpoint::Ping, Endpoint::Other];

    fn label(self) -> &'static str {
        match self {
            Endpoint::Runs => "runs",
            Endpoint::Events => "events",
            Endpoint::Finish => "finish",
            Endpoint::Heartbeats => "heartbeats",
            Endpoint::Ping => "ping",
            Endpoint::Other => "other",
        }
    }

    fn index(self) -> usize {
        self as usize
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
