//! What every answer has: an envelope, an id, no caching; and what the methods and routes are.

use reqwest::Method;

use crate::house::*;

#[tokio::test]
async fn every_answer_has_a_request_id_and_is_not_cached() {
    let house = House::open().await;
    for path in ["/v1/usage", "/v1/runs?limit=0", "/nowhere", "/openapi.json"] {
        let answer = house.get(path).await;
        let id = answer.header("x-request-id").unwrap().to_owned();
        assert!(id.len() == 24 && id.starts_with("req_"), "{id}");
        assert_eq!(answer.header("cache-control"), Some("no-store"), "{path}");
        assert_ne!(house.get(path).await.header("x-request-id"), Some(&*id), "each request has its own");
    }
}

#[tokio::test]
async fn a_usable_request_id_is_given_back() {
    let house = House::open().await;
    let long = "x".repeat(128);
    let cases =
        [("trace-7f/3:a", true), (&*long, true), ("two words", false), (&*format!("{long}x"), false), ("", false)];
    for (id, kept) in cases {
        let answer = house.send(Method::GET, "/v1/usage", &[("x-request-id", id.to_owned())]).await;
        assert_eq!(answer.header("x-request-id") == Some(id), kept, "{id}");
    }
}

#[tokio::test]
async fn unknown_routes_answer_in_the_envelope() {
    let house = House::open().await;
    for path in ["/v1", "/v1/runs/", "/v1/run", "/v2/runs", "/v1/runs/a/events", "/readyz"] {
        assert_refusal(&house.get_as(None, path).await, 404, "not_found", None);
    }
}

#[tokio::test]
async fn other_methods_answer_in_the_envelope_with_allow() {
    let house = House::open().await;
    let run = format!("/v1/runs/{}", run_id(1));
    for path in ["/v1/runs", &run, "/v1/audit", "/v1/usage", "/v1/spend", "/openapi.json"] {
        for method in [Method::POST, Method::PUT, Method::DELETE, Method::PATCH] {
            let answer = house.send(method, path, &[]).await;
            assert_refusal(&answer, 405, "method_not_allowed", None);
            assert_eq!(answer.header("allow"), Some("GET,HEAD"), "{path}");
        }
    }
}

#[tokio::test]
async fn head_answers_like_get_without_the_body() {
    let house = House::open().await;
    let key = [("authorization", format!("Bearer {KEY_A}"))];
    let (get, head) =
        (house.send(Method::GET, "/v1/usage", &key).await, house.send(Method::HEAD, "/v1/usage", &key).await);
    assert_eq!((head.status, head.text.as_str()), (get.status, ""));
    for name in ["content-type", "content-length", "cache-control"] {
        assert_eq!(head.header(name), get.header(name), "{name}");
    }
    assert_eq!(house.send(Method::HEAD, "/v1/usage", &[]).await.status, 401);
}
