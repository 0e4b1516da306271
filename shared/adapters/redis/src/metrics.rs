//! The numbers this room gives. Names are never reused for something else.

use std::time::Duration;

use metrics::{Counter, Gauge, Histogram};

/// Calls of the script that were sent, by outcome (ok, timeout, error).
pub const CALLS: &str = "tidegate_redis_calls_total";
/// How long a call took, in seconds.
pub const CALL_SECONDS: &str = "tidegate_redis_call_seconds";
/// How many questions one call carried: more than one is what coalescing saved.
pub const ASKS_PER_CALL: &str = "tidegate_redis_asks_per_call";
/// Confirmations that were dropped, because too many waited or Redis was down. Safe: their claims stay unconfirmed.
pub const CONFIRMS_DROPPED: &str = "tidegate_redis_confirms_dropped_total";
/// 1 while Redis answers, else 0.
pub const UP: &str = "tidegate_redis_up";
/// Connections made, the first one included.
pub const CONNECTS: &str = "tidegate_redis_connects_total";

/// Handles, so that a call costs no look-up.
pub(crate) struct Numbers {
    pub ok: Counter,
    pub timeout: Counter,
    pub error: Counter,
    pub asks_per_call: Histogram,
    pub confirms_dropped: Counter,
    pub up: Gauge,
    pub connects: Counter,
    call_seconds: Histogram,
}

impl Numbers {
    pub fn new() -> Self {
        metrics::describe_counter!(CALLS, "Calls of the gate's script on Redis, by outcome (ok, timeout, error).");
        metrics::describe_histogram!(CALL_SECONDS, "How long a call of the gate's script took.");
        metrics::describe_histogram!(ASKS_PER_CALL, "How many questions one call of the gate's script carried.");
        metrics::describe_counter!(
            CONFIRMS_DROPPED,
            "Confirmations of claims that never reached Redis, which is safe."
        );
        metrics::describe_gauge!(UP, "1 while the gate's Redis answers, else 0.");
        metrics::describe_counter!(CONNECTS, "Connections made to the gate's Redis.");
        let call = |outcome: &'static str| metrics::counter!(CALLS, "outcome" => outcome);
        Numbers {
            ok: call("ok"),
            timeout: call("timeout"),
            error: call("error"),
            asks_per_call: metrics::histogram!(ASKS_PER_CALL),
            confirms_dropped: metrics::counter!(CONFIRMS_DROPPED),
            up: metrics::gauge!(UP),
            connects: metrics::counter!(CONNECTS),
            call_seconds: metrics::histogram!(CALL_SECONDS),
        }
    }

    pub fn took(&self, time: Duration) {
        self.call_seconds.record(time.as_secs_f64());
    }
}
