//! How long a request may take, how much of an answer is read, and how many names are looked up at once.

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

/// Limits of look-ups.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LookUpLimits {
    /// Look-ups at once, also those that are not waited for any more.
    pub all: usize,
    /// Of names that have not answered lately.
    pub unproven: usize,
    /// Of names that did not answer in time.
    pub hanging: usize,
    /// Of the names of one domain that have answered lately, and as many of its other names.
    pub of_domain: usize,
    /// An answer comes within so long, or is not waited for; a place within so long, or there is none.
    pub within: Duration,
}

impl LookUpLimits {
    /// A thread each. Names that have not answered lately take at most 48: the other 16 are for those that have, and are
    /// taken up only where as many of those hang at once.
    pub const USUAL: LookUpLimits =
        LookUpLimits { all: 64, unproven: 32, hanging: 16, of_domain: 8, within: Duration::from_secs(10) };
}
