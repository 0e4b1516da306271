//! What is sent to a receiver outside.

use serde::{Deserialize, Serialize};
use tidegate_kernel::Timestamp;

use super::RunRow;
use crate::id::{OrgId, RunId, WebhookId};
use crate::status::EventType;

/// The body of a delivery, whose id is the message's (`evt_…`). The sender reads the receiver's URL, and the run's tenant
/// context from its order row.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WebhookMessage {
    #[serde(rename = "type")]
    pub kind: EventType,
    pub org: OrgId,
    pub at_ms: Timestamp,
    pub to: Receiver,
    pub run: RunId,
    /// The run's row as it was then.
    pub state: RunRow,
}

/// Who receives a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Receiver {
    Webhook(WebhookId),
    /// The URL in the order row of the run.
    Order,
}
