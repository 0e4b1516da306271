//! The metrics of this port, and of the watch over credits.

use tidegate_shedding::ShedMetrics;

tidegate_metric::declare! {
    pub(crate) SHED_PRESSURE: Gauge = "tidegate_agentgate_shed_pressure",
        "How much AgentGate's front door sheds: 0 nothing, 1 everything.";
    pub(crate) SHED: Counter = "tidegate_agentgate_shed_total" { class, cause },
        "Commands shed by AgentGate's front door, by class (creates, rest) and cause.";
    pub(crate) REQUESTS_RECEIVED: Counter = "tidegate_agentgate_requests_received_total" { endpoint },
        "Requests received by AgentGate's front door, by endpoint.";
    pub(crate) REQUESTS: Counter = "tidegate_agentgate_requests_total" { endpoint, outcome, cause },
        "Requests that AgentGate's front door has answered, by endpoint, outcome and cause.";
    pub(crate) CREDITS_CHECKED: Counter = "tidegate_agentgate_credits_checked_total",
        "Organizations whose credits were held against each other: granted = available + held + charged, and the balance row is that of the book.";
    pub(crate) CREDITS_OFF: Gauge = "tidegate_agentgate_credits_off",
        "Organizations whose credits do not add up by the last look, at most 100: 0, or a book is damaged.";
}

/// What the shed decisions of this port are counted by.
pub const SHED_METRICS: ShedMetrics = ShedMetrics { pressure: &SHED_PRESSURE, refused: &SHED };
