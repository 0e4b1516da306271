//! The port that sends the test of a webhook.

use async_trait::async_trait;
use tidegate_kernel::SmolStr;

/// Sends one message to a webhook at once, past the log, under the same rules as every delivery.
#[async_trait]
pub trait SendTest: Send + Sync + 'static {
    /// The status that the receiver answered, a redirect included; `None`: no answer came, or its address is not allowed.
    async fn send(&self, message: TestMessage) -> Option<u16>;
}

/// A message to a webhook.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TestMessage {
    pub url: String,
    /// Headers that the webhook's owner chose.
    pub headers: Vec<(String, String)>,
    /// What the body is signed with.
    pub secret: String,
    /// Also the value of `X-AgentGate-Event`.
    pub event: &'static str,
    /// `evt_…`.
    pub id: SmolStr,
    /// JSON.
    pub body: Vec<u8>,
}

/// Sends nothing: no test is ever delivered.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoSender;

#[async_trait]
impl SendTest for NoSender {
    async fn send(&self, _: TestMessage) -> Option<u16> {
        None
    }
}
