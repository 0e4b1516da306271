//! What a receiver answered.

use std::time::Duration;

use bytes::Bytes;

/// An answer, as much of it as was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReceiverAnswer {
    pub status: u16,
    /// How long the receiver asks to be left alone, where `Retry-After` has whole seconds.
    pub retry_after: Option<Duration>,
    /// At most as many bytes as the limits say.
    pub body: Bytes,
    /// There was more of the body, or it did not come in time.
    pub is_cut: bool,
}

impl ReceiverAnswer {
    /// A status of 200 to 299. A redirect is no success: it is not followed.
    pub const fn is_success(&self) -> bool {
        matches!(self.status, 200..=299)
    }
}
