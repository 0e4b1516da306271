//! Around every request: its id, its place among those in progress, its one outcome, and the form of its answer. One
//! layer for all: a stack of general middleware would add half of the handler's own cost.

use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use axum::extract::Request;
use axum::response::Response;
use futures_util::FutureExt;
use http::HeaderValue;
use http::header::CACHE_CONTROL;
use tracing::Level;

use crate::api::{Answered, Api, Entered, Refused};
use crate::body::read_past;
use crate::entry::Entry;
use crate::label::Label;
use crate::outcomes::RefusalCause;
use crate::request_id::REQUEST_ID;

/// Runs one request through `handle` and answers it, whatever happens.
pub async fn framed<A, H, F>(api: Arc<A>, endpoint: A::Endpoint, request: Request, handle: H) -> Response
where
    A: Api,
    H: FnOnce(Entered<A>) -> F,
    F: Future<Output = Result<A::Answer, A::Refused>>,
{
    let counted = api.outcomes().received(endpoint);
    let id = api.request_id(request.headers());
    let form = A::form(endpoint, request.headers());
    let (parts, mut body) = request.into_parts();
    let result = match api.enter() {
        Ok(place) => {
            let handled = handle(Entered { api: api.clone(), place, parts, body });
            // A panic is a defect; even so its client gets an answer.
            AssertUnwindSafe(handled).catch_unwind().await.unwrap_or_else(|_| Err(A::Refused::panicked()))
        }
        Err(refused) => {
            read_past(&parts.headers, &mut body, api.max_body_bytes()).await;
            Err(refused)
        }
    };
    let mut response = match result {
        Ok(answer) => {
            counted.settle(answer.outcome());
            answer.into_response()
        }
        Err(refused) => {
            let entry = refused.entry();
            counted.settle_refusal(entry.cause);
            log(&entry, endpoint, &id);
            let mut response = refused.written_for(&id, &entry, form);
            entry.put_on(&mut response);
            response
        }
    };
    stamp(&mut response, id);
    response
}

/// Puts on an answer what every answer has: its request's id, and that no cache may keep it, unless it says otherwise.
pub(crate) fn stamp(response: &mut Response, id: HeaderValue) {
    let headers = response.headers_mut();
    headers.insert(REQUEST_ID, id);
    headers.entry(CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
}

/// Never the path or the query: a query may hold a credential.
fn log<C: RefusalCause>(entry: &Entry<C>, endpoint: impl Label, id: &HeaderValue) {
    macro_rules! log_at {
        ($level:expr) => {
            tracing::event!(
                $level,
                request_id = id.to_str().unwrap_or(""),
                endpoint = endpoint.label(),
                status = entry.status.as_u16(),
                code = entry.code,
                cause = entry.cause.label(),
                detail = entry.detail.as_deref(),
                "request refused"
            )
        };
    }
    match entry.level {
        Level::ERROR => log_at!(Level::ERROR),
        Level::WARN => log_at!(Level::WARN),
        Level::INFO => log_at!(Level::INFO),
        _ => log_at!(Level::DEBUG),
    }
}

#[cfg(test)]
mod tests;
