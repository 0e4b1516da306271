//! Overload by bytes of bodies: what is refused, with which text, and that all permits are given back.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use axum::body::Body;
use bytes::Bytes;
use futures_util::stream;
use http::{Request, StatusCode};
use serde_json::json;

use crate::house::*;

const ENDED: &str = "tidegate_requests_total";
const TAKEN: &str = "tidegate_body_bytes_in_flight";

fn beat(length: usize) -> String {
    let empty = r#"{"agent":"daily","output":""}"#.len();
    format!(r#"{{"agent":"daily","output":"{}"}}"#, "x".repeat(length - empty))
}

/// A request with a length, as clients send it.
fn sized(target: &str, length: usize, body: Body) -> Request<Body> {
    let builder = Request::builder().method("POST").uri(target).header("content-length", length);
    builder.header("authorization", format!("Bearer {KEY}")).body(body).unwrap()
}

#[tokio::test]
async fn beyond_the_room_for_bodies_requests_are_turned_away_and_room_is_had_until_the_record_is_taken() {
    let options = Options { passes: 0, max_body_bytes_in_flight: 5_000, ..Options::default() };
    let house = Arc::new(House::new(options).await);
    let waiting = tokio::spawn({
        let house = house.clone();
        async move { house.send(sized("/v1/heartbeats", 3_000, Body::from(beat(3_000)))).await }
    });
    wait_until("the first record is at the log", || house.log.brought.load(Ordering::SeqCst) == 1).await;
    assert_eq!(house.gauge(TAKEN), 3_000.0);
    let refused = house.send(sized("/v1/heartbeats", 2_001, Body::from(beat(2_001)))).await;
    assert_eq!(refused.status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(matches!(refused.header("retry-after"), Some("1" | "2")), "{refused:?}");
    assert_eq!((&refused.json()["error"], &refused.json()["cause"]), (&json!("unavailable"), &json!("too_many_bytes")));
    assert_eq!(refused.json().get("class"), None);
    // Without a length it may become the largest there is.
    let unsized_one = house.send(post("/v1/heartbeats", "{}")).await;
    assert_eq!(unsized_one.json()["cause"], "too_many_bytes");
    assert_eq!(house.count(ENDED, &["outcome=\"refused\"", "cause=\"too_many_bytes\""]), 2);
    assert_eq!(house.gauge(TAKEN), 3_000.0, "a refusal takes nothing");
    house.log.passes.add_permits(1_000);
    assert_eq!(waiting.await.unwrap().status, StatusCode::ACCEPTED);
    assert_eq!(house.gauge(TAKEN), 0.0);
    let fits = house.send(sized("/v1/heartbeats", 5_000, Body::from(beat(5_000)))).await;
    assert_eq!(fits.status, StatusCode::ACCEPTED);
}

#[tokio::test]
async fn room_comes_back_from_who_leaves_who_is_faulty_and_who_meets_a_defect() {
    let house = Arc::new(House::new(Options { max_body_bytes_in_flight: 5_000, ..Options::default() }).await);
    let stalled = Body::from_stream(stream::pending::<Result<Bytes, std::io::Error>>());
    let leaver = tokio::spawn({
        let house = house.clone();
        async move { house.send(sized("/v1/heartbeats", 4_000, stalled)).await }
    });
    wait_until("its room is had", || house.gauge(TAKEN) == 4_000.0).await;
    leaver.abort();
    assert!(leaver.await.unwrap_err().is_cancelled());
    assert_eq!(house.gauge(TAKEN), 0.0);
    let faulty = house.send(sized("/v1/heartbeats", 4_000, Body::from("x".repeat(4_000)))).await;
    assert_eq!((faulty.status, house.gauge(TAKEN)), (StatusCode::BAD_REQUEST, 0.0));
    let broken = Body::from_stream(stream::iter([Err::<Bytes, _>(std::io::Error::other("cut"))]));
    let broken = house.send(sized("/v1/heartbeats", 4_000, broken)).await;
    assert_eq!((broken.status, house.gauge(TAKEN)), (StatusCode::BAD_REQUEST, 0.0));

    let house = House::new(Options { panics: true, max_body_bytes_in_flight: 5_000, ..Options::default() }).await;
    let panicked = house.send(sized("/v1/heartbeats", 4_000, Body::from(beat(4_000)))).await;
    assert_eq!((panicked.status, house.gauge(TAKEN)), (StatusCode::INTERNAL_SERVER_ERROR, 0.0));
}
