//! The metrics of the gate on Redis.

use std::time::Duration;

use tidegate_metric::{Counter, Gauge, Histogram};

tidegate_metric::declare! {
    pub CALLS: Counter = "tidegate_redis_calls_total" { outcome },
        "Calls of the gate's script on Redis, by outcome (ok, timeout, error).";
    pub CALL_SECONDS: Histogram = "tidegate_redis_call_seconds",
        "How long a call of the gate's script took.";
    pub ASKS_PER_CALL: Histogram = "tidegate_redis_asks_per_call",
        "How many questions one call of the gate's script carried.";
    pub CONFIRMS_DROPPED: Counter = "tidegate_redis_confirms_dropped_total",
        "Confirmations of claims that never reached Redis, which is safe.";
    pub UP: Gauge = "tidegate_redis_up",
        "1 while the gate's Redis answers, else 0.";
    pub CONNECTS: Counter = "tidegate_redis_connects_total",
        "Connections made to the gate's Redis.";
}

/// Handles, so that a call costs no look-up.
pub(crate) struct GateMetrics {
    pub ok: Counter,
    pub timeout: Counter,
    pub error: Counter,
    pub asks_per_call: Histogram,
    pub confirms_dropped: Counter,
    pub up: Gauge,
    pub connects: Counter,
    call_seconds: Histogram,
}

impl GateMetrics {
    pub fn new() -> Self {
        let call = |outcome: &'static str| CALLS.with([("outcome", outcome)]);
        GateMetrics {
            ok: call("ok"),
            timeout: call("timeout"),
            error: call("error"),
            asks_per_call: ASKS_PER_CALL.handle(),
            confirms_dropped: CONFIRMS_DROPPED.handle(),
            up: UP.handle(),
            connects: CONNECTS.handle(),
            call_seconds: CALL_SECONDS.handle(),
        }
    }

    pub fn took(&self, time: Duration) {
        self.call_seconds.record(time.as_secs_f64());
    }
}
