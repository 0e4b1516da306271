//! Each request ends in one outcome, also where things go wrong.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use http::StatusCode;
use serde_json::json;
use tidegate_agentping::Plan;
use tidegate_ports::AppendError;

use crate::house::*;

const RECEIVED: &str = "tidegate_requests_received_total";
const ENDED: &str = "tidegate_requests_total";

#[tokio::test]
async fn received_is_the_sum_of_outcomes() {
    let house = House::new(Options::default()).await;
    house.send(post("/v1/runs", &start_body())).await;
    house.send(post("/v1/runs", &start_body())).await;
    house.send(post("/v1/runs", "{}")).await;
    house.send(get("/v1/ping")).await;
    house.send(get("/nothing")).await;
    house.log.log.fail_appends(Some(AppendError::NotPersisted("down".into())));
    let down = house.send(post("/v1/heartbeats", r#"{"agent":"daily"}"#)).await;
    house.log.log.fail_appends(Some(AppendError::Unknown("timed out".into())));
    let unknown = house.send(post("/v1/heartbeats", r#"{"agent":"daily"}"#)).await;
    for answer in [&down, &unknown] {
        assert_eq!((answer.status, &answer.json()["error"]), (StatusCode::SERVICE_UNAVAILABLE, &json!("unavailable")));
        assert!(answer.header("retry-after").unwrap().parse::<u64>().unwrap() >= 1);
    }
    for (labels, count) in [
        (&["endpoint=\"runs\"", "outcome=\"accepted\"", "cause=\"none\""][..], 1),
        (&["endpoint=\"runs\"", "outcome=\"repeated\"", "cause=\"none\""], 1),
        (&["endpoint=\"runs\"", "outcome=\"refused\"", "cause=\"member_missing\""], 1),
        (&["endpoint=\"ping\"", "outcome=\"refused\"", "cause=\"credential_missing\""], 1),
        (&["endpoint=\"other\"", "outcome=\"refused\"", "cause=\"not_found\""], 1),
        (&["endpoint=\"heartbeats\"", "outcome=\"failed\"", "cause=\"log_unavailable\""], 1),
        (&["endpoint=\"heartbeats\"", "outcome=\"unknown\"", "cause=\"outcome_unknown\""], 1),
        (&[], 7),
    ] {
        assert_eq!(house.count(ENDED, labels), count, "{labels:?}");
    }
    assert_eq!(house.count(RECEIVED, &[]), 7);
}

#[tokio::test]
async fn a_client_that_leaves_is_counted_once_and_its_record_is_taken_all_the_same() {
    let house = Arc::new(House::new(Options { passes: 0, ..Options::default() }).await);
    let waiting = tokio::spawn({
        let house = house.clone();
        async move { house.send(post("/v1/runs", &start_body())).await }
    });
    wait_until("the record is at the log", || house.log.brought.load(Ordering::SeqCst) == 1).await;
    waiting.abort();
    assert!(waiting.await.unwrap_err().is_cancelled());
    assert_eq!(house.count(ENDED, &["outcome=\"abandoned\"", "cause=\"none\""]), 1);
    assert_eq!(house.count(ENDED, &[]), 1);
    assert_eq!(house.ingest.in_flight(), 1, "the record is still on its way");
    house.log.passes.add_permits(1_000);
    wait_until("the record is taken", || house.ingest.in_flight() == 0).await;
    assert_eq!(house.records(), 1);
    assert_eq!(house.count(ENDED, &[]), 1);
    assert_eq!(house.send(post("/v1/runs", &start_body())).await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_panic_is_answered_and_counted_as_ours() {
    let house = House::new(Options { panics: true, ..Options::default() }).await;
    let answer = house.send(post("/v1/runs", &start_body())).await;
    assert_eq!((answer.status, &answer.json()["error"]), (StatusCode::INTERNAL_SERVER_ERROR, &json!("internal")));
    assert_eq!(house.count(ENDED, &["outcome=\"failed\"", "cause=\"panicked\""]), 1);
    assert_eq!(house.ingest.in_flight(), 0);
}

#[tokio::test]
async fn beyond_the_cap_requests_are_turned_away() {
    let house = Arc::new(House::new(Options { passes: 0, max_in_flight: 1, ..Options::default() }).await);
    let waiting = tokio::spawn({
        let house = house.clone();
        async move { house.send(post("/v1/runs", &start_body())).await }
    });
    wait_until("the first is under way", || house.ingest.in_flight() == 1).await;
    let refused = house.send(post("/v1/heartbeats", r#"{"agent":"daily"}"#)).await;
    assert_eq!(refused.status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(matches!(refused.header("retry-after"), Some("1" | "2")), "{refused:?}");
    assert_eq!(house.count(ENDED, &["outcome=\"refused\"", "cause=\"too_many_in_flight\""]), 1);
    house.log.passes.add_permits(1_000);
    assert_eq!(waiting.await.unwrap().status, StatusCode::ACCEPTED);
}

#[tokio::test]
async fn faulty_bodies_are_charged_and_the_limit_wins_over_the_fault() {
    let house = House::new(Options { plan: Plan::Starter, ..Options::default() }).await;
    for _ in 0..200 {
        assert_eq!(house.send(post("/v1/runs", "{")).await.status, StatusCode::BAD_REQUEST);
    }
    let limited = house.send(post("/v1/runs", "{")).await;
    assert_eq!((limited.status, &limited.json()["error"]), (StatusCode::TOO_MANY_REQUESTS, &json!("rate_limit")));
    assert_eq!(limited.header("retry-after"), Some("1"));
    assert_eq!(house.records(), 0);
}
