//! Why no answer came.

use std::time::Duration;

use crate::address::AddressRule;
use crate::target::UrlRule;

/// Why no answer came. No text has a part of the URL, or what its name resolved to.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SendError {
    #[error("the URL is not allowed: {0}")]
    Url(#[from] UrlRule),
    #[error("the name leads to an address that is not allowed: {0}")]
    Address(AddressRule),
    #[error("the name has no address")]
    Unresolved,
    #[error("the name was not looked up in time")]
    LookUpLate,
    /// Those of other receivers hang; a later try finds a place.
    #[error("too many look-ups of names are under way")]
    LookUpsBusy,
    #[error("no connection: {0}")]
    Connect(std::io::ErrorKind),
    #[error("no TLS: {0}")]
    Tls(String),
    /// A header that a product supplied, or a URL that HTTP does not take.
    #[error("the request cannot be formed")]
    Request,
    #[error("what came back is no answer of HTTP")]
    Protocol,
    #[error("no answer within {} s", .0.as_secs())]
    Timeout(Duration),
}
