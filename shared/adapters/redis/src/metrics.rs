//! The metrics of the gate and of the limits on Redis.

use std::time::Duration;

use tidegate_metric::{Counter, Gauge, Histogram};

tidegate_metric::declare! {
    pub CALLS: Counter = "tidegate_redis_calls_total" { outcome },
        "Calls of the gate's script on Redis, by outcome (ok, timeout, error).";
    pub CALL_SECONDS: Histogram = "tidegate_redis_call_seconds",
        "How long a call of the gate's script took.";
    pub ASKS_PER_CALL: Histogram = "tidegate_redis_asks_per_call",
        "Requests to the gate that one call of its script served.";
    pub CONFIRMS_DROPPED: Counter = "tidegate_redis_confirms_dropped_total",
        "Confirmations of claims that did not reach Redis, which is safe.";
    pub UP: Gauge = "tidegate_redis_up",
        "1 while the gate's Redis answers, else 0.";
    pub CONNECTS: Counter = "tidegate_redis_connects_total",
        "Connections made to the gate's Redis.";
    pub LIMITS_CALLS: Counter = "tidegate_redis_limits_calls_total" { outcome },
        "Calls of the limits' script on Redis, by outcome (ok, timeout, error).";
    pub LIMITS_CALL_SECONDS: Histogram = "tidegate_redis_limits_call_seconds",
        "How long a call of the limits' script took.";
    pub LIMITS_UP: Gauge = "tidegate_redis_limits_up",
        "1 while the limits' Redis answers, else 0.";
    pub LIMITS_CONNECTS: Counter = "tidegate_redis_limits_connects_total",
        "Connections made to the limits' Redis.";
}

/// Handles of a link, so that a call costs no look-up.
#[derive(Clone)]
pub(crate) struct LinkMetrics {
    pub ok: Counter,
    pub timeout: Counter,
    pub error: Counter,
    pub up: Gauge,
    pub connects: Counter,
    call_seconds: Histogram,
}

/// Handles of the gate.
pub(crate) struct GateMetrics {
    pub link: LinkMetrics,
    pub asks_per_call: Histogram,
    pub confirms_dropped: Counter,
}

impl LinkMetrics {
    pub fn of_limits() -> Self {
        let call = |outcome: &'static str| LIMITS_CALLS.with([("outcome", outcome)]);
        LinkMetrics {
            ok: call("ok"),
            timeout: call("timeout"),
            error: call("error"),
            up: LIMITS_UP.handle(),
            connects: LIMITS_CONNECTS.handle(),
            call_seconds: LIMITS_CALL_SECONDS.handle(),
        }
    }

    fn of_gate() -> Self {
        let call = |outcome: &'static str| CALLS.with([("outcome", outcome)]);
        LinkMetrics {
            ok: call("ok"),
            timeout: call("timeout"),
            error: call("error"),
            up: UP.handle(),
            connects: CONNECTS.handle(),
            call_seconds: CALL_SECONDS.handle(),
        }
    }

    pub fn took(&self, time: Duration) {
        self.call_seconds.record(time.as_secs_f64());
    }
}

impl GateMetrics {
    pub fn new() -> Self {
        GateMetrics {
            link: LinkMetrics::of_gate(),
            asks_per_call: ASKS_PER_CALL.handle(),
            confirms_dropped: CONFIRMS_DROPPED.handle(),
        }
    }
}
