//! `x-request-id` in and out, `no-store` on every answer, and a log line for what is our fault.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use http::HeaderValue;
use http::header::CACHE_CONTROL;
use tidegate_door::request_id::{self, REQUEST_ID};
use tracing::warn;

use crate::problem::Fault;
use crate::reads::Reads;

pub(crate) async fn stamp(State(reads): State<Arc<Reads>>, request: Request, next: Next) -> Response {
    let id = request_id::of(request.headers(), || reads.ids.random());
    let path = request.uri().path().to_owned();
    let mut response = next.run(request).await;
    if let Some(Fault(cause)) = response.extensions().get() {
        warn!(request_id = ?id, path, status = response.status().as_u16(), cause, "a read failed");
    }
    response.headers_mut().insert(REQUEST_ID, id);
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
