//! Calls that are none of the five endpoints: health, the start page, other ports' routes, browsers.

use std::time::Duration;

use axum::body::Body;
use http::{Method, Request, StatusCode};
use tidegate_door::ServeReport;
use tokio::net::TcpListener;

use crate::house::*;

const RECEIVED: &str = "tidegate_requests_received_total";

#[tokio::test]
async fn health_and_the_start_page_ask_for_nothing_and_count_as_nothing() {
    let house = House::new(Options::default()).await;
    for method in [Method::GET, Method::HEAD] {
        for path in ["/healthz", "/"] {
            let request = Request::builder().method(method.clone()).uri(path).body(Body::empty()).unwrap();
            assert_eq!(house.send(request).await.status, StatusCode::OK, "{method} {path}");
        }
    }
    assert_eq!(house.send(get("/healthz")).await.text, "OK\n");
    let about = house.send(get("/")).await.json();
    assert_eq!(house.send(get(about["description"].as_str().unwrap())).await.status, StatusCode::OK);
    assert_eq!(house.send(get(about["health"].as_str().unwrap())).await.status, StatusCode::OK);
    // The description alone was received.
    assert_eq!(house.count(RECEIVED, &[]), 1);
    let posted = house.send(post("/healthz", "")).await;
    assert_eq!((posted.status, posted.header("allow")), (StatusCode::METHOD_NOT_ALLOWED, Some("GET, HEAD")));
}

#[tokio::test]
async fn health_is_red_once_the_stop_has_begun() {
    let house = House::new(Options::default()).await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let served = tokio::time::timeout(Duration::from_secs(60), house.ingest.clone().serve(listener, async {})).await;
    assert_eq!(served.unwrap(), ServeReport::default());
    let health = house.send(get("/healthz")).await;
    assert_eq!((health.status, health.header("retry-after")), (StatusCode::SERVICE_UNAVAILABLE, Some("1")));
    // Requests are still taken.
    assert_eq!(house.send(post("/v1/runs", &start_body())).await.status, StatusCode::ACCEPTED);
}

#[tokio::test]
async fn a_call_without_a_route_is_answered_with_the_nearest_one() {
    let house = House::new(Options::default()).await;
    for (method, target, status, likely) in [
        (Method::GET, "/v1/runs".to_owned(), 405, "GET /v1/runs is on the read API's port"),
        (Method::GET, format!("/v1/runs/{RUN}"), 404, "GET /v1/runs/{id} is on the read API's port"),
        (Method::POST, "/v1/ping".to_owned(), 405, "This route takes GET only."),
        (Method::GET, format!("/v1/ping/?key={TOKEN}&agent=daily"), 404, "GET /v1/ping is the nearest route here."),
        (Method::GET, format!("//v1/ping?key={TOKEN}&agent=daily"), 404, "GET /v1/ping is the nearest route here."),
        (Method::GET, "/v1/ping/fail".to_owned(), 404, "GET /v1/ping is the nearest route here."),
        (Method::POST, "/v1/heartbeat".to_owned(), 404, "POST /v1/heartbeats is the nearest route here."),
        (Method::GET, "/readyz".to_owned(), 404, "GET /readyz is on the operations port"),
        (Method::GET, "/nothing/like/it".to_owned(), 404, "lists the routes there are."),
    ] {
        let answer = house.send(request(method.clone(), &target, "")).await;
        assert_eq!(answer.status.as_u16(), status, "{method} {target}");
        assert!(answer.text.contains(likely), "{method} {target}: {}", answer.text);
        assert!(!answer.text.contains(TOKEN), "{}", answer.text);
    }
    assert_eq!(house.records(), 0);
}

#[tokio::test]
async fn a_browser_is_answered_that_other_origins_may_not_call() {
    let house = House::new(Options::default()).await;
    let preflight = Request::builder().method(Method::OPTIONS).uri("/v1/runs").header("origin", "https://example.com");
    let refused = house.send(preflight.body(Body::empty()).unwrap()).await;
    assert_eq!((refused.status, refused.header("allow")), (StatusCode::METHOD_NOT_ALLOWED, Some("POST")));
    assert!(refused.text.contains("no CORS"), "{}", refused.text);
    assert!(refused.headers.keys().all(|name| !name.as_str().starts_with("access-control-")), "{:?}", refused.headers);
}

#[tokio::test]
async fn an_encoding_that_is_not_taken_is_answered_with_the_one_that_is() {
    let house = House::new(Options::default()).await;
    let mut compressed = post("/v1/runs", &start_body());
    compressed.headers_mut().insert("content-encoding", "br".parse().unwrap());
    let refused = house.send(compressed).await;
    assert_eq!((refused.status, refused.header("accept-encoding")), (StatusCode::UNSUPPORTED_MEDIA_TYPE, Some("gzip")));
}
