//! What a webhook is sent: an event as JSON, signed (AgentGate: webhooks).

use std::fmt::Write;

use bytes::Bytes;
use hmac::{Hmac, Mac};
use serde::Serialize;
use sha2::Sha256;
use tidegate_agentgate::{EventType, MessageId};
use tidegate_kernel::Timestamp;
use tidegate_outbound::Message;

use crate::wire::seconds;

/// `sha256=` and the HMAC-SHA256 of the body's bytes under the webhook's secret, in hex digits.
pub const SIGNATURE_HEADER: &str = "X-AgentGate-Signature";
/// The event's type.
pub const EVENT_HEADER: &str = "X-AgentGate-Event";

/// The body.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct WebhookEvent<D> {
    /// The same on every try.
    pub id: MessageId,
    #[serde(rename = "type")]
    pub kind: EventType,
    #[serde(serialize_with = "seconds")]
    pub created_at: Timestamp,
    pub data: D,
}

impl<D: Serialize> WebhookEvent<D> {
    /// The signed message to a URL, with the headers that the webhook's owner chose.
    ///
    /// # Errors
    /// The event has no JSON form.
    pub fn to(
        &self,
        url: String,
        headers: impl IntoIterator<Item = (String, String)>,
        secret: &str,
    ) -> Result<Message, serde_json::Error> {
        let body = serde_json::to_vec(self)?;
        let mut headers: Vec<(String, String)> = headers.into_iter().collect();
        let own = [
            ("Content-Type", "application/json".to_owned()),
            ("User-Agent", "AgentGate-Webhooks/1".to_owned()),
            (EVENT_HEADER, self.kind.as_str().to_owned()),
            (SIGNATURE_HEADER, signature(secret, &body)),
        ];
        headers.extend(own.map(|(name, value)| (name.to_owned(), value)));
        Ok(Message { url, headers, body: Bytes::from(body) })
    }
}

/// The value of [`SIGNATURE_HEADER`].
fn signature(secret: &str, body: &[u8]) -> String {
    // HMAC takes a key of any length.
    let mut text = String::from("sha256=");
    if let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret.as_bytes()) {
        mac.update(body);
        for byte in mac.finalize().into_bytes() {
            // Writing to a string does not fail.
            _ = write!(text, "{byte:02x}");
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 4231, case 2; and as `openssl dgst -sha256 -hmac` has it.
    #[test]
    fn a_signature_is_hmac_sha256_in_hex() {
        let expected = "sha256=5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843";
        assert_eq!(signature("Jefe", b"what do ya want for nothing?"), expected);
    }
}
