//! The metrics of this port.

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
}

/// What the shed decisions of this port are counted by.
pub const SHED_METRICS: ShedMetrics = ShedMetrics { pressure: &SHED_PRESSURE, refused: &SHED };
