//! `x-request-id` in and out, `no-store` on every answer, and a log line for what is our fault.

use std::fmt::Write;
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use http::header::CACHE_CONTROL;
use http::{HeaderName, HeaderValue};
use tidegate_ports::Ids;
use tracing::warn;

use crate::problem::Fault;
use crate::reads::Reads;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const MAX_CHARS: usize = 128;

pub(crate) async fn stamp(State(reads): State<Arc<Reads>>, request: Request, next: Next) -> Response {
    let given = request.headers().get(REQUEST_ID).filter(|given| is_usable(given)).cloned();
    let id = given.unwrap_or_else(|| minted(&*reads.ids));
    let path = request.uri().path().to_owned();
    let mut response = next.run(request).await;
    if let Some(Fault(cause)) = response.extensions().get() {
        warn!(request_id = ?id, path, status = response.status().as_u16(), cause, "a read failed");
    }
    response.headers_mut().insert(REQUEST_ID, id);
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// Short printable ASCII is passed through; anything else is replaced rather than refused.
fn is_usable(given: &HeaderValue) -> bool {
    let bytes = given.as_bytes();
    (1..=MAX_CHARS).contains(&bytes.len()) && bytes.iter().all(u8::is_ascii_graphic)
}

fn minted(ids: &dyn Ids) -> HeaderValue {
    let mut text = String::from("req_");
    for byte in ids.random() {
        // Writing to a string does not fail.
        let _ = write!(text, "{byte:02x}");
    }
    HeaderValue::try_from(text).unwrap_or_else(|_| HeaderValue::from_static("req_"))
}
