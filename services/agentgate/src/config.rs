//! The settings of the front door. The binary reads and checks them; here are the shapes and the defaults.

use std::time::Duration;

use tidegate_door::ServeOptions;

/// All settings of the front door.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AgentGateConfig {
    /// What a run is estimated to cost: this for each iteration that it may take.
    pub estimate_cents_per_iteration: u32,
    /// How long a lease lasts without a sign of life.
    pub lease: Duration,
    /// After as many leases without an end a run fails.
    pub max_grants: u32,
    /// How long a run may take from its start.
    pub run_deadline: Duration,
    /// How long a client waits for a decision.
    pub wait: Duration,
    /// Webhooks may be sent to `http` URLs.
    pub webhook_allow_http: bool,
    /// The largest body, as sent and decoded.
    pub max_body_bytes: usize,
    /// How long a body may take to arrive as a whole.
    pub body_read_timeout: Duration,
    /// Requests in progress at most, waiting workers included.
    pub max_in_flight: u32,
    /// Bytes of bodies in progress at most.
    pub body_bytes: usize,
    /// Bytes of answers in progress at most.
    pub answer_bytes: usize,
    /// The deadline of one read of the store.
    pub store_deadline: Duration,
    pub serve: ServeOptions,
}

impl Default for AgentGateConfig {
    fn default() -> Self {
        AgentGateConfig {
            estimate_cents_per_iteration: 50,
            lease: Duration::from_secs(60),
            max_grants: 3,
            run_deadline: Duration::from_secs(1_800),
            wait: Duration::from_secs(10),
            webhook_allow_http: false,
            max_body_bytes: 1 << 20,
            body_read_timeout: Duration::from_secs(30),
            max_in_flight: 2_048,
            body_bytes: 256 << 20,
            answer_bytes: 128 << 20,
            store_deadline: Duration::from_secs(5),
            serve: ServeOptions { port: "agentgate", ..ServeOptions::default() },
        }
    }
}
