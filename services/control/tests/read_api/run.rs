//! `GET /v1/runs/{id}`.

use serde_json::{Value, json};
use tidegate_domain::{Body, Finish, FinishStatus, Heartbeat, HeartbeatStatus, Slug, Start, Usd};

use crate::house::*;

const STARTED: &str = "2026-05-15T11:00:00.000Z";

fn ping(status: HeartbeatStatus) -> Heartbeat {
    Heartbeat {
        agent: Slug::parse("nightly").unwrap(),
        status,
        started_at: None,
        finished_at: None,
        cost: None,
        duration_ms: None,
        metadata: None,
        output: None,
        customer_id: None,
        feature: None,
        input_tokens: None,
        output_tokens: None,
    }
}

#[tokio::test]
async fn a_whole_run_shows_every_member() {
    let house = House::open().await;
    let opened = Start {
        customer_id: Some("acme".into()),
        feature: Some("search".into()),
        metadata: free(r#"{"tier":"gold","try":1}"#),
        parent_run_id: Some(run_id(99)),
        goal: Some("find it".to_owned()),
        idle: idle(600, FinishStatus::Cancelled),
        ..start("finder", STARTED)
    };
    let closed = Finish {
        output: free(r#"{"found":[1,2]}"#),
        scores: free(r#"{"quality":0.9}"#),
        metadata: free(r#"{"try":2}"#),
        ..finish(FinishStatus::Success, "2026-05-15T11:00:12.300Z")
    };
    house.tell(team(1), run_id(1), Body::Start(opened)).await;
    house.clock.advance_ms(1_000);
    let mut second = event(2, "log", "2026-05-15T11:00:02.000Z", "{}");
    (second.turn, second.errored) = (Some(3), true);
    let first = call(3, "2026-05-15T11:00:01.000Z", "claude-x", Some("0.084"));
    house.tell(team(1), run_id(1), Body::Events(vec![second, first])).await;
    house.tell(team(1), run_id(1), Body::Finish(closed)).await;
    let expected = json!({
        "id": run_id(1).to_string(),
        "agent": "finder",
        "status": "success",
        "started_at": STARTED,
        "finished_at": "2026-05-15T11:00:12.300Z",
        "received_at": NOON,
        "duration_ms": 12_300,
        "cost_usd": 0.084,
        "errored": true,
        "customer_id": "acme",
        "feature": "search",
        "parent_run_id": run_id(99).to_string(),
        "goal": "find it",
        "metadata": {"tier": "gold", "try": 2},
        "output": {"found": [1, 2]},
        "scores": {"quality": 0.9},
        "idle_timeout_seconds": 600,
        "idle_timeout_status": "cancelled",
        "events": [
            {"external_id": event_id(3).to_string(), "type": "llm_call", "ts": "2026-05-15T11:00:01.000Z", "data": {},
             "cost_usd": 0.084, "received_at": "2026-05-15T12:00:01.000Z"},
            {"external_id": event_id(2).to_string(), "type": "log", "ts": "2026-05-15T11:00:02.000Z", "data": {},
             "turn": 3, "received_at": "2026-05-15T12:00:01.000Z"},
        ],
        "cost_by_model": [
            {"provider": "anthropic", "model": "claude-x", "cost_usd": 0.084, "calls": 1, "unpriced": 0},
        ],
    });
    assert_eq!(house.get(&format!("/v1/runs/{}", run_id(1))).await.ok(), expected);
}

#[tokio::test]
async fn what_is_unknown_is_absent() {
    let house = House::open().await;
    house.tell(team(1), run_id(1), Body::Start(start("finder", STARTED))).await;
    let expected = json!({
        "id": run_id(1).to_string(),
        "agent": "finder",
        "status": "running",
        "started_at": STARTED,
        "received_at": NOON,
        "cost_usd": 0,
        "errored": false,
        "events": [],
        "cost_by_model": [],
    });
    assert_eq!(house.get(&format!("/v1/runs/{}", run_id(1))).await.ok(), expected);
}

#[tokio::test]
async fn free_json_and_money_come_back_byte_for_byte() {
    let house = House::open().await;
    let data = r#"{ "z": 1.0, "a" : "caf\u00e9",  "big": 123456789012345678901234567890, "z": 2, "deep": [[ ]] }"#;
    let output = r#"[ 1e400 , "\ud83d\ude00" ]"#;
    house.tell(team(1), run_id(1), Body::Start(start("finder", STARTED))).await;
    house.tell(team(1), run_id(1), Body::Events(vec![event(1, "log", STARTED, data)])).await;
    house.tell(team(1), run_id(1), Body::Events(vec![call(2, STARTED, "m", Some("0.000000001"))])).await;
    let closed = Finish { output: free(output), ..finish(FinishStatus::Failed, STARTED) };
    house.tell(team(1), run_id(1), Body::Finish(closed)).await;
    let text = house.get(&format!("/v1/runs/{}", run_id(1))).await.text;
    for part in [format!(r#""data":{data}"#), format!(r#""output":{output}"#), r#""cost_usd":0.000000001"#.to_owned()] {
        assert!(text.contains(&part), "{part} is not in {text}");
    }
}

#[tokio::test]
async fn models_are_summed_and_unpriced_calls_counted() {
    let house = House::open().await;
    house.tell(team(1), run_id(1), Body::Start(start("finder", STARTED))).await;
    let calls = vec![
        call(1, STARTED, "small", Some("0.1")),
        call(2, STARTED, "large", Some("0.7")),
        call(3, STARTED, "small", Some("0.2")),
        call(4, STARTED, "novel", None),
        call(5, STARTED, "novel", Some("0.000001")),
    ];
    house.tell(team(1), run_id(1), Body::Events(calls)).await;
    let run = house.get(&format!("/v1/runs/{}", run_id(1))).await.ok();
    let row = |model: &str, cost: f64, calls: u64, unpriced: u64| json!({"provider": "anthropic", "model": model, "cost_usd": cost, "calls": calls, "unpriced": unpriced});
    let expected = [row("large", 0.7, 1, 0), row("small", 0.3, 2, 0), row("novel", 0.000001, 2, 1)];
    assert_eq!(run["cost_by_model"], Value::from(expected.to_vec()));
    // In binary floats 0.1 + 0.2 + 0.7 + 0.000001 would not read like this.
    assert_eq!(run["cost_usd"], json!(1.000001));
    assert_eq!(run["events"][3]["cost_usd"], json!(0));
}

#[tokio::test]
async fn a_heartbeats_figures_are_shown() {
    let house = House::open().await;
    let beat = Heartbeat {
        cost: Some(Usd::parse("0.084").unwrap()),
        duration_ms: Some(777),
        input_tokens: Some(1_200),
        output_tokens: Some(80),
        output: free(r#""done""#),
        ..ping(HeartbeatStatus::Fail)
    };
    house.tell(team(1), run_id(1), Body::Heartbeat(beat)).await;
    let run = house.get(&format!("/v1/runs/{}", run_id(1))).await.ok();
    let shown = ["status", "cost_usd", "duration_ms", "input_tokens", "output_tokens", "output", "started_at"];
    let shown: Vec<&Value> = shown.iter().map(|name| &run[*name]).collect();
    assert_eq!(json!(shown), json!(["failed", 0.084, 777, 1_200, 80, "done", NOON]));
}

#[tokio::test]
async fn a_run_that_waits_for_its_start_is_not_shown_until_it_has_one() {
    let house = House::open().await;
    let path = format!("/v1/runs/{}", run_id(1));
    house.tell(team(1), run_id(1), Body::Finish(finish(FinishStatus::Success, STARTED))).await;
    assert_refusal(&house.get(&path).await, 404, "not_found", None);
    assert_eq!(house.get("/v1/runs").await.ok()["runs"], json!([]));
    house.tell(team(1), run_id(1), Body::Start(start("finder", STARTED))).await;
    assert_eq!(house.get(&path).await.ok()["status"], "success");
}
