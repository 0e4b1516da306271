//! Calls that are no reads: health, the start page, other ports' routes, browsers.

use http::Method;

use crate::house::*;

#[tokio::test]
async fn health_and_the_start_page_ask_for_no_key() {
    let house = House::open().await;
    for method in [Method::GET, Method::HEAD] {
        for path in ["/healthz", "/"] {
            assert_eq!(house.send(method.clone(), path, &[]).await.status, 200, "{method} {path}");
        }
    }
    assert_eq!(house.get_as(None, "/healthz").await.text, "OK\n");
    assert_eq!(house.get_as(None, "/").await.ok()["description"], "/openapi.json");
}

#[tokio::test]
async fn a_call_without_a_route_is_answered_with_the_nearest_one() {
    let house = House::open().await;
    for (method, path, status, likely) in [
        (Method::POST, "/v1/runs".to_owned(), 405, "POST /v1/runs is on the ingest port"),
        (
            Method::POST,
            format!("/v1/runs/{}/finish", run_id(1)),
            404,
            "POST /v1/runs/{id}/finish is on the ingest port",
        ),
        (Method::GET, "/v1/ping".to_owned(), 404, "GET /v1/ping is on the ingest port"),
        (Method::GET, "/v1/runs/".to_owned(), 404, "GET /v1/runs is the nearest route here."),
        (Method::GET, "/v1/agent".to_owned(), 404, "GET /v1/agents is the nearest route here."),
        (Method::GET, "/metrics".to_owned(), 404, "GET /metrics is on the operations port"),
        (Method::DELETE, "/v1/usage".to_owned(), 405, "use GET."),
    ] {
        let answer = house.send(method.clone(), &path, &[]).await;
        assert_eq!(answer.status, status, "{method} {path}");
        assert!(answer.message().contains(likely), "{method} {path}: {}", answer.text);
    }
}

#[tokio::test]
async fn a_browser_is_answered_that_other_origins_may_not_call() {
    let house = House::open().await;
    let origin = [("origin", "https://example.com".to_owned())];
    let refused = house.send(Method::OPTIONS, "/v1/runs", &origin).await;
    assert_eq!(refused.refusal(), (405, "method_not_allowed".to_owned(), None));
    assert!(refused.message().contains("no CORS"), "{}", refused.text);
    assert!(refused.header("allow").is_some_and(|allow| allow.contains("GET")), "{refused:?}");
    assert!(refused.headers.keys().all(|name| !name.as_str().starts_with("access-control-")), "{refused:?}");
}
