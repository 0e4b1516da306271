//! How long a request may take, and how much of an answer is read.

use std::time::Duration;

/// Limits of one request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SendLimits {
    /// From the look-up to the answer's head.
    pub whole: Duration,
    /// Connecting to one address.
    pub connect: Duration,
    /// Bytes of an answer's body that are read.
    pub body_bytes: usize,
}
