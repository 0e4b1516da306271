//! Each read ends in one outcome, also where things go wrong.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use http::{Method, Request, StatusCode};
use http_body_util::BodyExt;
use hyper::service::Service;
use hyper_util::service::TowerToHyperService;
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle, PrometheusRecorder};
use serde_json::{Value, json};
use tidegate_agentping_inproc::noted_accounts::MemoryNotedAccounts;
use tidegate_agentping_inproc::runs::MemoryRuns;
use tidegate_agentping_ports::RunQueries;
use tidegate_control::Control;
use tidegate_inproc::clock::TestClock;
use tidegate_ports::{RandomIds, StoreError};

use crate::house::*;
use crate::outage::Ailing;

pub const RECEIVED: &str = "tidegate_read_requests_received_total";
const ENDED: &str = "tidegate_read_requests_total";

/// A read API without a socket, whose counters are these.
fn on(recorder: &PrometheusRecorder, queries: impl RunQueries) -> Router {
    metrics::with_local_recorder(recorder, || {
        let (accounts, clock) = (Arc::new(MemoryNotedAccounts::default()), Arc::new(TestClock::at(at(NOON))));
        let callers = Arc::new(Callers::two_teams());
        let managed = in_memory(clock.clone());
        Control::new(Arc::new(queries), accounts, managed, callers, clock, Arc::new(RandomIds)).into_router()
    })
}

fn request(method: Method, path: &str, key: Option<&str>) -> Request<Body> {
    let mut request = Request::builder().method(method).uri(path);
    if let Some(key) = key {
        request = request.header("authorization", format!("Bearer {key}"));
    }
    request.body(Body::empty()).unwrap()
}

async fn send(router: &Router, request: Request<Body>) -> (StatusCode, Value) {
    let is_badge = request.method() == Method::GET && request.uri().path().starts_with("/badge/");
    let response = TowerToHyperService::new(router.clone()).call(request).await.unwrap();
    assert_eq!(response.headers()["cache-control"], if is_badge { "public, max-age=15" } else { "no-store" });
    assert!(response.headers().contains_key("x-request-id"));
    let status = response.status();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    (status, serde_json::from_slice(&body).unwrap_or_default())
}

async fn get(router: &Router, path: &str) -> (StatusCode, Value) {
    send(router, request(Method::GET, path, Some(KEY_A))).await
}

/// The sum of a counter's lines that have all of these labels.
pub fn count(metrics: &PrometheusHandle, name: &str, labels: &[&str]) -> u64 {
    let page = metrics.render();
    let lines = page.lines().filter(|line| line.starts_with(&format!("{name}{{")));
    let lines = lines.filter(|line| labels.iter().all(|label| line.contains(label)));
    lines.map(|line| line.rsplit(' ').next().unwrap().parse::<u64>().unwrap()).sum()
}

#[tokio::test]
async fn received_is_the_sum_of_outcomes() {
    let recorder = PrometheusBuilder::new().build_recorder();
    let metrics = recorder.handle();
    let well = on(&recorder, MemoryRuns::default());
    assert_eq!(get(&well, "/v1/usage").await.0, StatusCode::OK);
    assert_eq!(send(&well, request(Method::HEAD, "/v1/runs", Some(KEY_A))).await.0, StatusCode::OK);
    assert_eq!(send(&well, request(Method::GET, "/openapi.json", None)).await.0, StatusCode::OK);
    assert_eq!(send(&well, request(Method::GET, "/v1/spend", None)).await.0, StatusCode::UNAUTHORIZED);
    assert_eq!(get(&well, "/v1/agents?page=1").await.0, StatusCode::BAD_REQUEST);
    assert_eq!(get(&well, &format!("/v1/runs/{}", run_id(1))).await.0, StatusCode::NOT_FOUND);
    assert_eq!(get(&well, "/nothing").await.0, StatusCode::NOT_FOUND);
    let written = request(Method::POST, "/v1/usage", Some(KEY_A));
    assert_eq!(send(&well, written).await.0, StatusCode::METHOD_NOT_ALLOWED);
    // Neither is a read.
    for path in ["/healthz", "/"] {
        assert_eq!(send(&well, request(Method::GET, path, None)).await.0, StatusCode::OK);
    }

    let down = on(&recorder, Ailing::Answers(StoreError::Unavailable("disk 3".into())));
    assert_eq!(get(&down, "/v1/runs").await.0, StatusCode::SERVICE_UNAVAILABLE);

    let broken = on(&recorder, Ailing::Panics);
    let (status, body) = get(&broken, "/v1/spend").await;
    assert_eq!((status, &body["error"]), (StatusCode::INTERNAL_SERVER_ERROR, &json!("internal")));

    let hangs = on(&recorder, Ailing::Hangs);
    tokio::select! {
        biased;
        _ = get(&hangs, "/v1/agents") => panic!("the store hangs"),
        () = async {} => {}
    }

    for (labels, times) in [
        (&["endpoint=\"usage\"", "outcome=\"answered\"", "cause=\"none\""][..], 1),
        (&["endpoint=\"runs\"", "outcome=\"answered\"", "cause=\"none\""], 1),
        (&["endpoint=\"other\"", "outcome=\"answered\"", "cause=\"none\""], 1),
        (&["endpoint=\"spend\"", "outcome=\"refused\"", "cause=\"credential_missing\""], 1),
        (&["endpoint=\"agents\"", "outcome=\"refused\"", "cause=\"parameter_unknown\""], 1),
        (&["endpoint=\"run\"", "outcome=\"refused\"", "cause=\"run_unknown\""], 1),
        (&["endpoint=\"other\"", "outcome=\"refused\"", "cause=\"not_found\""], 1),
        (&["endpoint=\"usage\"", "outcome=\"refused\"", "cause=\"method_not_allowed\""], 1),
        (&["endpoint=\"runs\"", "outcome=\"failed\"", "cause=\"store_unavailable\""], 1),
        (&["endpoint=\"spend\"", "outcome=\"failed\"", "cause=\"panicked\""], 1),
        (&["endpoint=\"agents\"", "outcome=\"abandoned\"", "cause=\"none\""], 1),
        (&[], 11),
    ] {
        assert_eq!(count(&metrics, ENDED, labels), times, "{labels:?}");
    }
    assert_eq!(count(&metrics, RECEIVED, &[]), 11);
    // What front doors count is another matter.
    assert!(!metrics.render().contains("tidegate_requests_"));
}

/// Also where it is called by a method that its route does not have.
#[tokio::test]
async fn every_read_counts_under_an_endpoint_of_its_own() {
    let recorder = PrometheusBuilder::new().build_recorder();
    let router = on(&recorder, MemoryRuns::default());
    let paths: Vec<String> = tidegate_control::openapi().paths.paths.into_keys().collect();
    for path in &paths {
        get(&router, path).await;
        assert_eq!(send(&router, request(Method::TRACE, path, None)).await.0, StatusCode::METHOD_NOT_ALLOWED);
    }
    let page = recorder.handle().render();
    let received = page.lines().filter(|line| line.starts_with(&format!("{RECEIVED}{{")) && !line.ends_with(" 0"));
    let received: Vec<&str> = received.map(|line| line.rsplit(' ').next().unwrap()).collect();
    assert_eq!(received, vec!["2"; paths.len()], "{page}");
}
