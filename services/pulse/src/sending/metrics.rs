//! The metrics of sending.

tidegate_metric::declare! {
    pub(crate) TRIES: Counter = "tidegate_pulse_alert_tries_total" { kind, result },
        "Tries of alerts, by the kind of route and result (sent; failed: tried again; given_up; test_failed).";
    pub(crate) WAITING: Gauge = "tidegate_pulse_alerts_waiting",
        "Alerts in memory of the sender that are neither sent nor given up; openings that wait a moment for others are among them.";
    pub(crate) WITHHELD: Gauge = "tidegate_pulse_alerts_withheld",
        "Alerts that wait for the end of a mute to be sent: recoveries of what was sent before it.";
    pub(crate) DISABLED: Counter = "tidegate_pulse_routes_disabled_total" { kind },
        "Routes of alerts that were disabled because their receivers were gone or failed for days, by kind.";
}

pub(crate) const KINDS: [&str; 4] = ["webhook", "slack", "email", "pagerduty"];
pub(crate) const RESULTS: [&str; 4] = ["sent", "failed", "given_up", "test_failed"];

/// Every series stands at zero before anything is sent.
pub(crate) fn register() {
    for kind in KINDS {
        RESULTS.iter().for_each(|result| TRIES.with([("kind", kind), ("result", result)]).increment(0));
        DISABLED.with([("kind", kind)]).increment(0);
    }
    WITHHELD.handle().set(0.0);
}
