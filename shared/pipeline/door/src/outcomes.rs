//! Each received request ends in exactly one outcome, and both sides of that sum are metrics: the requests received by
//! endpoint, and those ended by endpoint, outcome and cause.

use std::marker::PhantomData;

use tidegate_metric::{Counter, Family};

use crate::label::Label;

/// How a request ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RequestOutcome {
    /// Something of it was new.
    Accepted,
    /// All of it was there before.
    Repeated,
    /// What it asked for was read.
    Answered,
    /// The caller's or policy's doing.
    Refused,
    /// Our doing: a defect, or the log or the store is down.
    Failed,
    /// The client left before the answer.
    Abandoned,
    /// The log did not say whether it took the record.
    Unknown,
}

impl RequestOutcome {
    const COUNT: usize = RequestOutcome::Unknown as usize + 1;

    pub const fn label(self) -> &'static str {
        match self {
            RequestOutcome::Accepted => "accepted",
            RequestOutcome::Repeated => "repeated",
            RequestOutcome::Answered => "answered",
            RequestOutcome::Refused => "refused",
            RequestOutcome::Failed => "failed",
            RequestOutcome::Abandoned => "abandoned",
            RequestOutcome::Unknown => "unknown",
        }
    }
}

/// Why a request was refused, as metrics and logs label it. [`causes!`](crate::causes) makes such an enum.
pub trait RefusalCause: Label {
    /// Refused: caused by the caller or a policy. Failed: caused by us. Unknown: the outcome is not known.
    fn outcome(self) -> RequestOutcome;
}

/// A port's two counters. The first is always the sum of the second.
#[derive(Debug)]
pub struct OutcomeMetrics {
    /// By `endpoint`.
    pub received: Family<Counter, 1>,
    /// By `endpoint`, `outcome` and `cause`.
    pub ended: Family<Counter, 3>,
}

/// All counters of a port, looked up in the registry once.
pub struct Outcomes<E, C> {
    /// In the order of the endpoints.
    endpoints: Vec<EndpointCounters>,
    of: PhantomData<fn(E, C)>,
}

struct EndpointCounters {
    received: Counter,
    /// Without a cause, in the order of the outcomes.
    uncaused: [Counter; RequestOutcome::COUNT],
    /// In the order of the causes.
    refused: Vec<Counter>,
}

impl<E: Label, C: RefusalCause> Outcomes<E, C> {
    /// Registers the counters with the installed recorder. `answered`: how requests end that are not refused.
    pub fn register(metrics: &OutcomeMetrics, answered: &[RequestOutcome]) -> Self {
        let register = |endpoint: &E| EndpointCounters::register::<C>(metrics, endpoint.label(), answered);
        Outcomes { endpoints: E::ALL.iter().map(register).collect(), of: PhantomData }
    }

    /// Counts a request as received. Dropping what it returns unsettled counts it as abandoned.
    pub fn received(&self, endpoint: E) -> Counted<'_, C> {
        let counters = &self.endpoints[endpoint.index()];
        counters.received.increment(1);
        Counted { counters, settled: false, of: PhantomData }
    }
}

impl EndpointCounters {
    fn register<C: RefusalCause>(
        metrics: &OutcomeMetrics,
        endpoint: &'static str,
        answered: &[RequestOutcome],
    ) -> Self {
        let ended = |outcome: RequestOutcome, cause: &'static str| {
            metrics.ended.with([("endpoint", endpoint), ("outcome", outcome.label()), ("cause", cause)])
        };
        let mut uncaused = [const { Counter::noop() }; RequestOutcome::COUNT];
        for outcome in answered.iter().copied().chain([RequestOutcome::Abandoned]) {
            uncaused[outcome as usize] = ended(outcome, "none");
        }
        let refused = C::ALL.iter().map(|cause| ended(cause.outcome(), cause.label())).collect();
        EndpointCounters { received: metrics.received.with([("endpoint", endpoint)]), uncaused, refused }
    }
}

/// A request that was counted as received and owes its outcome.
pub struct Counted<'c, C> {
    counters: &'c EndpointCounters,
    settled: bool,
    of: PhantomData<fn(C)>,
}

impl<C: RefusalCause> Counted<'_, C> {
    /// Settles a request that was not refused. The outcome is one of those that were registered as answered.
    pub fn settle(mut self, outcome: RequestOutcome) {
        self.settled = true;
        self.counters.uncaused[outcome as usize].increment(1);
    }

    /// Settles a request that was refused.
    pub fn settle_refusal(mut self, cause: C) {
        self.settled = true;
        self.counters.refused[cause.index()].increment(1);
    }
}

impl<C> Drop for Counted<'_, C> {
    fn drop(&mut self) {
        if !self.settled {
            self.counters.uncaused[RequestOutcome::Abandoned as usize].increment(1);
        }
    }
}
