//! The endpoints as they are counted.

use tidegate_door::OutcomeMetrics;

use crate::metrics::{REQUESTS, REQUESTS_RECEIVED};

/// The counters of this port.
pub(crate) const COUNTED: &OutcomeMetrics = &OutcomeMetrics { received: REQUESTS_RECEIVED, ended: REQUESTS };

tidegate_door::labels! {
    /// The endpoints, as metrics name them.
    pub enum Endpoint {
        Submit "submit";
        WorkOrder "work_order";
        Runs "runs";
        Run "run";
        Cancel "cancel";
        Credits "credits";
        Usage "usage";
        Webhooks "webhooks";
        Webhook "webhook";
        WebhookTest "webhook_test";
        Templates "templates";
        Template "template";
        Lease "lease";
        Progress "progress";
        Finish "finish";
        /// Everything else: unknown paths, the description of the interface.
        Other "other";
    }
}
