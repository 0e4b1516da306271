//! One outcome for each request, whatever its handler does.

use std::sync::atomic::{AtomicBool, Ordering};

use axum::body::Body;
use axum::response::Response;
use http::request::Parts;
use http::{HeaderMap, Method, StatusCode};
use http_body_util::BodyExt;
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};

use super::*;
use tidegate_metric::Family;

use crate::api::{FormOf, OutcomesOf};
use crate::entry::with_type;
use crate::likely_call::{LikelyCall, Route};
use crate::outcomes::{OutcomeMetrics, Outcomes, RequestOutcome};
use crate::wrong_method::WrongMethod;

const METRICS: &OutcomeMetrics = &OutcomeMetrics {
    received: Family::new("received", ["endpoint"]),
    ended: Family::new("ended", ["endpoint", "outcome", "cause"]),
};

crate::labels! {
    enum Endpoint {
        Things "things";
        Other "other";
    }
}

crate::causes! {
    NoRoute "no_route" Refused;
    Full "full" Refused;
    Cloudy "cloudy" Unknown;
    Panicked "panicked" Failed;
}

struct Port {
    outcomes: OutcomesOf<Self>,
    is_full: AtomicBool,
}

impl Api for Port {
    type Endpoint = Endpoint;
    type Answer = Response;
    type Refused = Cause;
    type Place = ();

    const OTHER: Endpoint = Endpoint::Other;
    const PORT: &'static str = "the port";
    const ROUTES: &'static [Route] = &[];

    fn outcomes(&self) -> &OutcomesOf<Self> {
        &self.outcomes
    }

    fn random(&self) -> [u8; 10] {
        [7; 10]
    }

    fn enter(&self) -> Result<(), Cause> {
        if self.is_full.load(Ordering::Relaxed) { Err(Cause::Full) } else { Ok(()) }
    }

    fn max_body_bytes(&self) -> usize {
        1_024
    }

    fn form(_: Endpoint, headers: &HeaderMap) -> FormOf<Self> {
        headers.contains_key("x-text")
    }

    fn unknown_route(_: &Parts, _: Option<LikelyCall>) -> Cause {
        Cause::NoRoute
    }

    fn wrong_method(_: &Parts, _: &'static str, _: WrongMethod) -> Cause {
        Cause::NoRoute
    }
}

impl Refused for Cause {
    type Cause = Cause;
    /// Text instead of JSON.
    type Form = bool;

    fn panicked() -> Self {
        Cause::Panicked
    }

    fn entry(&self) -> Entry<Cause> {
        match self {
            Cause::Full | Cause::Cloudy => Entry::unavailable(Level::WARN, *self, 3, "Not now."),
            Cause::NoRoute => Entry::unauthorized("no_route", *self, "No.").field("path").challenge(),
            Cause::Panicked => Entry::internal(*self, "Sorry."),
        }
    }

    fn written(&self, entry: &Entry<Cause>, text: bool) -> Response {
        if text { with_type("text/plain", entry.message.clone().into_owned()) } else { entry.json() }
    }
}

fn port() -> (Arc<Port>, PrometheusHandle) {
    let recorder = PrometheusBuilder::new().build_recorder();
    let handle = recorder.handle();
    let outcomes = metrics::with_local_recorder(&recorder, || Outcomes::register(METRICS, Response::OUTCOMES));
    (Arc::new(Port { outcomes, is_full: AtomicBool::new(false) }), handle)
}

fn request(method: Method) -> Request {
    Request::builder().method(method).uri("/things").body(Body::empty()).unwrap()
}

/// The lines that are not 0, without the name of the counter.
fn counted(handle: &PrometheusHandle, name: &str) -> Vec<String> {
    let page = handle.render();
    let lines = page.lines().filter_map(|line| line.strip_prefix(name)?.strip_prefix('{'));
    let mut lines: Vec<String> = lines.filter(|line| !line.ends_with(" 0")).map(str::to_owned).collect();
    lines.sort();
    lines
}

#[tokio::test]
async fn each_request_has_one_outcome() {
    let (port, handle) = port();
    let things = Endpoint::Things;
    let answered = framed(port.clone(), things, request(Method::GET), async |_| Ok(Response::default())).await;
    assert_eq!(answered.status(), StatusCode::OK);
    let unknown = framed(port.clone(), things, request(Method::GET), async |_| Err(Cause::Cloudy)).await;
    assert_eq!((unknown.status().as_u16(), unknown.headers()["retry-after"].as_bytes()), (503, &b"3"[..]));
    let broken = framed(port.clone(), things, request(Method::GET), async |_| panic!("a defect")).await;
    assert_eq!(broken.status(), StatusCode::INTERNAL_SERVER_ERROR);
    let mut left = Box::pin(framed(port.clone(), things, request(Method::GET), async |_| std::future::pending().await));
    assert!((&mut left).now_or_never().is_none());
    drop(left);
    port.is_full.store(true, Ordering::Relaxed);
    let full = framed(port.clone(), things, request(Method::GET), async |_| Ok(Response::default())).await;
    assert_eq!(full.status(), StatusCode::SERVICE_UNAVAILABLE);
    for response in [answered, unknown, broken, full] {
        assert_eq!(response.headers()[REQUEST_ID], "req_07070707070707070707");
        assert_eq!(response.headers()[CACHE_CONTROL], "no-store");
    }
    assert_eq!(counted(&handle, "received"), [r#"endpoint="things"} 5"#]);
    assert_eq!(
        counted(&handle, "ended"),
        [
            ("abandoned", "none"),
            ("answered", "none"),
            ("failed", "panicked"),
            ("refused", "full"),
            ("unknown", "cloudy")
        ]
        .map(|(outcome, cause)| format!(r#"endpoint="things",outcome="{outcome}",cause="{cause}"}} 1"#))
    );
}

#[tokio::test]
async fn a_refusal_is_written_in_the_form_that_was_asked_for() {
    let (port, _) = port();
    let refused = framed(port.clone(), Endpoint::Other, request(Method::GET), async |_| Err(Cause::NoRoute)).await;
    assert_eq!((refused.status().as_u16(), refused.headers()["www-authenticate"].as_bytes()), (401, &b"Bearer"[..]));
    let body = refused.into_body().collect().await.unwrap().to_bytes();
    assert_eq!(body, r#"{"error":"no_route","message":"No.","field":"path"}"#);
    let mut asking = request(Method::GET);
    asking.headers_mut().insert("x-text", HeaderValue::from_static("1"));
    let refused = framed(port, Endpoint::Other, asking, async |_| Err(Cause::NoRoute)).await;
    assert_eq!(refused.headers()["content-type"], "text/plain");
}

#[test]
fn an_outcome_is_registered_once_for_each_endpoint() {
    let (_, handle) = port();
    let lines = handle.render().lines().filter(|line| line.starts_with("ended{")).count();
    let of_an_endpoint = [RequestOutcome::Answered, RequestOutcome::Abandoned].len() + Cause::ALL.len();
    assert_eq!(lines, Endpoint::ALL.len() * of_an_endpoint);
}
