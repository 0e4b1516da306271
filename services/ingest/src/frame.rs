//! Around every request: its id, its place among those under way, its one outcome, and the form of its answer. The
//! one layer of our own instead of a stack of general ones, which would cost half as much as the whole handler.

use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::Request;
use axum::response::Response;
use futures_util::FutureExt;
use http::header::{ACCEPT, ACCEPT_ENCODING, ALLOW, CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use tidegate_door::body::read_past;
use tidegate_door::request_id::{self, REQUEST_ID};
use tracing::Level;

use crate::answers::{Answer, JSON, TEXT};
use crate::call::Call;
use crate::ingest::Ingest;
use crate::outcomes::{Endpoint, Outcome};
use crate::ping_text::ping_text;
use crate::refusal_table::{Entry, Problem};

const ERROR_CODE: HeaderName = HeaderName::from_static("x-agentping-error");
const RECEIPT: HeaderName = HeaderName::from_static("x-tidegate-receipt");
const REPEAT: HeaderName = HeaderName::from_static("x-tidegate-repeat");
const IGNORED: HeaderName = HeaderName::from_static("x-tidegate-ignored");

/// How an endpoint's refusals are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ErrorForm {
    /// The JSON envelope (AgentPing: envelope).
    Json,
    /// Text, and the code in a header (AgentPing: ping).
    PingText,
    /// A ping that asked for JSON.
    PingJson,
}

/// Runs one request through `handle` and answers it, whatever happens.
pub(crate) async fn framed<F, H>(ingest: Arc<Ingest>, endpoint: Endpoint, request: Request, handle: H) -> Response
where
    H: FnOnce(Call, Body) -> F,
    F: Future<Output = Result<Answer, Problem>>,
{
    let counted = ingest.outcomes.received(endpoint);
    let id = request_id::of(request.headers(), || ingest.ids.random());
    let form = match endpoint {
        Endpoint::Ping if wants_json(request.headers()) => ErrorForm::PingJson,
        Endpoint::Ping => ErrorForm::PingText,
        _ => ErrorForm::Json,
    };
    let result = match ingest.in_flight.enter() {
        Some(place) => {
            let (call, body) = Call::new(ingest.clone(), request, place);
            let handled = handle(call, body);
            // A panic is a defect; even so its client gets an answer.
            AssertUnwindSafe(handled).catch_unwind().await.unwrap_or(Err(Problem::Panicked))
        }
        None => {
            let (parts, mut body) = request.into_parts();
            read_past(&parts.headers, &mut body, ingest.config.max_body_bytes).await;
            let retry_after_s = ingest.places_outage.failed(ingest.clock.now());
            Err(Problem::TooManyInFlight { retry_after_s })
        }
    };
    let mut response = match result {
        Ok(answer) => {
            counted.settle(if answer.fresh { Outcome::Accepted } else { Outcome::Repeated });
            answered(answer)
        }
        Err(problem) => {
            let entry = problem.entry();
            counted.settle_refusal(entry.cause);
            log(&entry, endpoint, &id);
            refused(&problem, entry, form)
        }
    };
    let headers = response.headers_mut();
    headers.insert(REQUEST_ID, id);
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// `application/json` listed in `Accept` with a weight above 0; `*/*` means text (AgentPing: ping).
pub(crate) fn wants_json(headers: &HeaderMap) -> bool {
    let listed = headers.get_all(ACCEPT).into_iter().filter_map(|value| value.to_str().ok());
    listed.flat_map(|value| value.split(',')).any(|range| {
        let mut parts = range.split(';').map(str::trim);
        let named = parts.next().is_some_and(|kind| kind.eq_ignore_ascii_case("application/json"));
        let weight = parts.find_map(|part| part.strip_prefix("q=").or_else(|| part.strip_prefix("Q=")));
        named && weight.is_none_or(|weight| weight.trim().parse::<f32>().is_ok_and(|weight| weight > 0.0))
    })
}

fn answered(answer: Answer) -> Response {
    let mut response = Response::new(Body::from(answer.body));
    *response.status_mut() = answer.status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(answer.content_type));
    if let Some(repeat) = answer.repeat {
        headers.insert(REPEAT, repeat);
    }
    if let Some(receipt) = answer.receipt {
        headers.insert(RECEIPT, receipt);
    }
    if let Some(ignored) = answer.ignored {
        headers.insert(IGNORED, ignored);
    }
    response
}

fn refused(problem: &Problem, entry: Entry, form: ErrorForm) -> Response {
    let (content_type, body) = match form {
        ErrorForm::PingText => (TEXT, ping_text(problem, &entry)),
        ErrorForm::Json | ErrorForm::PingJson => (JSON, entry.envelope()),
    };
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = entry.status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    if form != ErrorForm::Json {
        headers.insert(ERROR_CODE, HeaderValue::from_static(entry.code));
    }
    if let Some(seconds) = entry.retry_after_s {
        headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
    }
    match problem {
        Problem::MethodNotAllowed { allow, .. } => {
            headers.insert(ALLOW, HeaderValue::from_static(allow));
        }
        // What to send instead (RFC 9110, 15.5.16).
        Problem::Encoding { .. } => {
            headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("gzip"));
        }
        _ => {}
    }
    debug_assert_ne!(entry.status, StatusCode::OK);
    response
}

/// Never the path or the query: a ping's query holds its credential.
fn log(entry: &Entry, endpoint: Endpoint, id: &HeaderValue) {
    macro_rules! log_at {
        ($level:expr) => {
            tracing::event!(
                $level,
                request_id = id.to_str().unwrap_or(""),
                endpoint = endpoint.label(),
                status = entry.status.as_u16(),
                code = entry.code,
                cause = entry.cause.label(),
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
mod tests {
    use super::*;

    #[test]
    fn json_must_be_asked_for_by_name() {
        for (accept, expected) in [
            ("application/json", true),
            ("text/html, Application/JSON;q=0.5", true),
            ("application/json;charset=utf-8;q=0.1", true),
            ("application/json;q=0", false),
            ("application/json; q=0.0, */*", false),
            ("application/json;q=x", false),
            ("*/*", false),
            ("application/*", false),
            ("application/jsonp", false),
            ("text/plain", false),
        ] {
            let headers: HeaderMap = [(ACCEPT, HeaderValue::from_static(accept))].into_iter().collect();
            assert_eq!(wants_json(&headers), expected, "{accept}");
        }
        assert!(!wants_json(&HeaderMap::new()));
    }
}
