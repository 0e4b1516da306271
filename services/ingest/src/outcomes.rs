//! Each received request ends in exactly one outcome, and both sides of that sum are metrics.
//!
//! `tidegate_requests_received_total{endpoint}` is always the sum of
//! `tidegate_requests_total{endpoint,outcome,cause}`.

use tidegate_metric::Counter;

use crate::metrics::{REQUESTS, REQUESTS_RECEIVED};
use crate::refusal_table::Cause;

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

impl Endpoint {
    pub const ALL: [Endpoint; 6] =
        [Endpoint::Runs, Endpoint::Events, Endpoint::Finish, Endpoint::Heartbeats, Endpoint::Ping, Endpoint::Other];

    pub const fn label(self) -> &'static str {
        match self {
            Endpoint::Runs => "runs",
            Endpoint::Events => "events",
            Endpoint::Finish => "finish",
            Endpoint::Heartbeats => "heartbeats",
            Endpoint::Ping => "ping",
            Endpoint::Other => "other",
        }
    }
}

/// How a request ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Something of it was new.
    Accepted,
    /// All of it was there before.
    Repeated,
    /// The caller's or policy's doing.
    Refused,
    /// Our doing: a defect, or the log or the store is down.
    Failed,
    /// The client left before the answer.
    Abandoned,
    /// The log did not say whether it took the record.
    Unknown,
}

impl Outcome {
    pub const fn label(self) -> &'static str {
        match self {
            Outcome::Accepted => "accepted",
            Outcome::Repeated => "repeated",
            Outcome::Refused => "refused",
            Outcome::Failed => "failed",
            Outcome::Abandoned => "abandoned",
            Outcome::Unknown => "unknown",
        }
    }
}

/// All counters, looked up in the registry once.
pub struct Outcomes {
    endpoints: [EndpointCounters; Endpoint::ALL.len()],
}

struct EndpointCounters {
    received: Counter,
    accepted: Counter,
    repeated: Counter,
    abandoned: Counter,
    /// By [`Cause`], in the order of [`Cause::ALL`].
    refusals: Vec<Counter>,
}

impl Outcomes {
    /// Registers the counters with the installed recorder.
    pub fn register() -> Self {
        Outcomes { endpoints: Endpoint::ALL.map(EndpointCounters::register) }
    }

    /// Counts a request as received. Dropping what it returns unsettled counts it as abandoned.
    pub fn received(&self, endpoint: Endpoint) -> Counted<'_> {
        // ALL is in the order of the variants (a test holds it to that).
        let counters = &self.endpoints[endpoint as usize];
        counters.received.increment(1);
        Counted { counters, settled: false }
    }
}

impl EndpointCounters {
    fn register(endpoint: Endpoint) -> Self {
        let ended = |outcome: Outcome, cause: &'static str| {
            REQUESTS.with([("endpoint", endpoint.label()), ("outcome", outcome.label()), ("cause", cause)])
        };
        EndpointCounters {
            received: REQUESTS_RECEIVED.with([("endpoint", endpoint.label())]),
            accepted: ended(Outcome::Accepted, "none"),
            repeated: ended(Outcome::Repeated, "none"),
            abandoned: ended(Outcome::Abandoned, "none"),
            refusals: Cause::ALL.iter().map(|cause| ended(cause.outcome(), cause.label())).collect(),
        }
    }
}

/// A request that was counted as received and owes its outcome.
pub struct Counted<'c> {
    counters: &'c EndpointCounters,
    settled: bool,
}

impl Counted<'_> {
    /// Settles a request that was taken in.
    pub fn settle(mut self, outcome: Outcome) {
        debug_assert!(matches!(outcome, Outcome::Accepted | Outcome::Repeated));
        self.settled = true;
        match outcome {
            Outcome::Repeated => self.counters.repeated.increment(1),
            _ => self.counters.accepted.increment(1),
        }
    }

    /// Settles a request that was not.
    pub fn settle_refusal(mut self, cause: Cause) {
        self.settled = true;
        self.counters.refusals[cause as usize].increment(1);
    }
}

impl Drop for Counted<'_> {
    fn drop(&mut self) {
        if !self.settled {
            self.counters.abandoned.increment(1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counters_are_found_by_the_order_of_the_variants() {
        for (index, endpoint) in Endpoint::ALL.iter().enumerate() {
            assert_eq!(*endpoint as usize, index, "{endpoint:?}");
        }
        for (index, cause) in Cause::ALL.iter().enumerate() {
            assert_eq!(*cause as usize, index, "{cause:?}");
        }
    }
}
