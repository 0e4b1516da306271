//! The metrics of this port.

tidegate_metric::declare! {
    pub(crate) REQUESTS_RECEIVED: Counter = "tidegate_agentgate_requests_received_total" { endpoint },
        "Requests received by AgentGate's front door, by endpoint.";
    pub(crate) REQUESTS: Counter = "tidegate_agentgate_requests_total" { endpoint, outcome, cause },
        "Requests that AgentGate's front door has answered, by endpoint, outcome and cause.";
}
