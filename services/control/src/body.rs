//! The JSON body of a request, bounded in size and time.

use std::time::Duration;

use axum::body::Body;
use http::HeaderMap;
use serde_json::Value;
use tidegate_door::body::{Bounds, read};

use crate::problem::Problem;
use crate::reads::Reads;

/// The largest body.
pub(crate) const MAX_BYTES: usize = 64 << 10;
/// Bytes of all bodies in progress at most.
pub(crate) const BODIES_BYTES: usize = 16 << 20;
const READ_TIMEOUT: Duration = Duration::from_secs(10);

/// The body as JSON. `serde_json` bounds how deep it may nest.
///
/// # Errors
/// [`Problem::Body`], or [`Problem::NotJson`].
pub(crate) async fn json(reads: &Reads, headers: &HeaderMap, body: Body) -> Result<Value, Problem> {
    parsed(&bytes(reads, headers, body).await?)
}

/// The body as it was sent.
///
/// # Errors
/// [`Problem::Body`].
pub(crate) async fn bytes(reads: &Reads, headers: &HeaderMap, body: Body) -> Result<Vec<u8>, Problem> {
    let permit = reads.bodies.none();
    let bounds = Bounds { max_bytes: MAX_BYTES, read_timeout: READ_TIMEOUT };
    read(headers, body, bounds, &permit).await.map_err(Problem::Body)
}

/// # Errors
/// [`Problem::NotJson`].
pub(crate) fn parsed(bytes: &[u8]) -> Result<Value, Problem> {
    serde_json::from_slice(bytes).map_err(|error| {
        let (line, column) = (error.line(), error.column());
        Problem::NotJson(format!("is no JSON that can be read (line {line}, column {column})"))
    })
}
