//! The endpoints as they are counted.

use tidegate_door::OutcomeMetrics;

use crate::metrics::{REQUESTS, REQUESTS_RECEIVED};

/// The front doors' counters.
pub(crate) const COUNTED: &OutcomeMetrics = &OutcomeMetrics { received: REQUESTS_RECEIVED, ended: REQUESTS };

tidegate_door::labels! {
    /// The endpoints, as metrics name them.
    pub enum Endpoint {
        Runs "runs";
        Events "events";
        Finish "finish";
        Heartbeats "heartbeats";
        Ping "ping";
        /// Everything else: unknown routes, the description of the interface.
        Other "other";
    }
}
