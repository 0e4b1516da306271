//! What is sent.

use std::fmt;

use bytes::Bytes;

/// A request: a `POST` of a body to a URL, unless it is sent by another method.
#[derive(Clone, PartialEq, Eq)]
pub struct Message {
    pub url: String,
    /// Names and values. Of two with one name the last one holds; `Host` and `Content-Length` are the client's.
    pub headers: Vec<(String, String)>,
    pub body: Bytes,
}

/// Without anything that may be a secret.
impl fmt::Debug for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Message").field("body_bytes", &self.body.len()).finish_non_exhaustive()
    }
}
