//! The port that sends the test of a webhook.

use async_trait::async_trait;
use tidegate_outbound::{Message, Outbound};

/// Sends one message to a webhook at once, past the log, under the same rules as every delivery.
#[async_trait]
pub trait SendTest: Send + Sync + 'static {
    /// The status that the receiver answered, a redirect included; `None`: no answer came, or its address is not allowed.
    async fn send_test(&self, message: Message) -> Option<u16>;
}

#[async_trait]
impl SendTest for Outbound {
    async fn send_test(&self, message: Message) -> Option<u16> {
        match self.send(&message).await {
            Ok(answer) => Some(answer.status),
            Err(error) => {
                tracing::debug!(%error, "the test of a webhook got no answer");
                None
            }
        }
    }
}
