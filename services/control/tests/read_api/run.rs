//! `GET /v1/runs/{id}`.

use serde_json::{Value, json};
use tidegate_agentping::{Body, Finish, FinishStatus, Heartbeat, HeartbeatStatus, Start};
use tidegate_kernel::Usd;

use crate::house::*;

const STARTED: &str = "2026-05-15T11:00:00.000Z";

#[tokio::test]
async fn a_whole_run_shows_every_member() {
    let house = House::open().await;
    let labelled = start("finder", STARTED).customer("acme").feature("search");
    let opened = Start {
        parent_run_id: Some(run_id(99)),
        goal: Some("find it".to_owned()),
        ..labelled.metadata(r#"{"tier":"gold","try":1}"#).idle(600, FinishStatus::Cancelled)
    };
    let closed = Finish {
        scores: Some(free(r#"{"quality":0.9}"#)),
        metadata: Some(free(r#"{"try":2}"#)),
        ..finish(FinishStatus::Success, "2026-05-15T11:00:12.300Z").output(r#"{"found":[1,2]}"#)
    };
    house.tell(team(1), run_id(1), opened).await;
    house.clock.advance_ms(1_000);
    let mut second = event(2, "log", "2026-05-15T11:00:02.000Z", "{}");
    (second.turn, second.errored) = (Some(3), true);
    let first = call(3, "2026-05-15T11:00:01.000Z", "claude-x", Some("0.084"));
    house.tell(team(1), run_id(1), vec![second, first]).await;
    house.tell(team(1), run_id(1), closed).await;
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
    house.tell(team(1), run_id(1), start("finder", STARTED)).await;
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
    house.tell(team(1), run_id(1), start("finder", STARTED)).await;
    house.tell(team(1), run_id(1), event(1, "log", STARTED, data)).await;
    house.tell(team(1), run_id(1), call(2, STARTED, "m", Some("0.000000001"))).await;
    let closed = finish(FinishStatus::Failed, STARTED).output(output);
    house.tell(team(1), run_id(1), closed).await;
    let text = house.get(&format!("/v1/runs/{}", run_id(1))).await.text;
    for part in [format!(r#""data":{data}"#), format!(r#""output":{output}"#), r#""cost_usd":0.000000001"#.to_owned()] {
        assert!(text.contains(&part), "{part} is not in {text}");
    }
}

#[tokio::test]
async fn models_are_summed_and_unpriced_calls_counted() {
    let house = House::open().await;
    house.tell(team(1), run_id(1), start("finder", STARTED)).await;
    let calls = vec![
        call(1, STARTED, "small", Some("0.1")),
        call(2, STARTED, "large", Some("0.7")),
        call(3, STARTED, "small", Some("0.2")),
        call(4, STARTED, "novel", None),
        call(5, STARTED, "novel", Some("0.000001")),
    ];
    house.tell(team(1), run_id(1), calls).await;
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
        output: Some(free(r#""done""#)),
        ..ping(HeartbeatStatus::Fail)
    };
    house.tell(team(1), run_id(1), beat).await;
    let run = house.get(&format!("/v1/runs/{}", run_id(1))).await.ok();
    let shown = ["status", "cost_usd", "duration_ms", "input_tokens", "output_tokens", "output", "started_at"];
    let shown: Vec<&Value> = shown.iter().map(|name| &run[*name]).collect();
    assert_eq!(json!(shown), json!(["failed", 0.084, 777, 1_200, 80, "done", NOON]));
}

#[tokio::test]
async fn a_run_that_waits_for_its_start_is_not_shown_until_it_has_one() {
    let house = House::open().await;
    let path = format!("/v1/runs/{}", run_id(1));
    house.tell(team(1), run_id(1), finish(FinishStatus::Success, STARTED)).await;
    assert_refusal(&house.get(&path).await, 404, "not_found", None);
    assert_eq!(house.get("/v1/runs").await.ok()["runs"], json!([]));
    house.tell(team(1), run_id(1), start("finder", STARTED)).await;
    assert_eq!(house.get(&path).await.ok()["status"], "success");
}

/// One id for three nights, and a failure under it: the first night stands, and the run says what came after.
#[tokio::test]
async fn an_id_in_use_again_is_shown() {
    let house = House::open().await;
    house.tell(team(1), run_id(1), ping(HeartbeatStatus::Ok)).await;
    assert_eq!(house.get(&run_path("")).await.ok().get("repeats"), None);
    for (night, status) in [HeartbeatStatus::Ok, HeartbeatStatus::Fail, HeartbeatStatus::Ok].into_iter().enumerate() {
        house.clock.advance_ms(24 * 3_600_000);
        house.tell(team(1), run_id(1), ping(status)).await;
        let run = house.get(&run_path("")).await.ok();
        assert_eq!((&run["status"], &run["received_at"]), (&json!("success"), &json!(NOON)));
        assert_eq!(run["repeats"]["times"], night + 1);
        assert_eq!(run["repeats"]["other_status"], if night == 0 { Value::Null } else { json!("failed") });
    }
    let run = house.get(&run_path("")).await.ok();
    assert_eq!(run["repeats"]["last_received_at"], "2026-05-18T12:00:00.000Z");
}

fn run_path(query: &str) -> String {
    format!("/v1/runs/{}{query}", run_id(1))
}

/// All pages of a run's events from the first one on: how many events each has, and all their ids.
async fn event_pages(house: &House, query: &str) -> (Vec<usize>, Vec<String>) {
    let (mut sizes, mut ids, mut cursor) = (Vec::new(), Vec::new(), String::new());
    loop {
        let page = house.get(&run_path(&format!("?{query}{cursor}"))).await.ok();
        assert_eq!(
            (&page["id"], &page["agent"]),
            (&json!(run_id(1).to_string()), &json!("finder")),
            "each page has the run"
        );
        let events = page["events"].as_array().unwrap();
        sizes.push(events.len());
        ids.extend(events.iter().map(|event| event["external_id"].as_str().unwrap().to_owned()));
        match page.get("next_events_cursor") {
            Some(next) => cursor = format!("&events_cursor={}", next.as_str().unwrap()),
            None => return (sizes, ids),
        }
    }
}

#[tokio::test]
async fn many_events_come_in_pages() {
    let house = House::open().await;
    house.tell(team(1), run_id(1), start("finder", STARTED)).await;
    let events = |numbers: std::ops::Range<u128>| {
        Body::Events(numbers.map(|number| call(number, STARTED, "m", Some("0.001"))).collect())
    };
    house.tell(team(1), run_id(1), events(0..500)).await;
    let whole = house.get(&run_path("")).await.ok();
    assert_eq!((whole["events"].as_array().unwrap().len(), whole.get("next_events_cursor")), (500, None));
    house.tell(team(1), run_id(1), events(500..1_200)).await;
    let expected: Vec<String> = (0..1_200).map(|number| event_id(number).to_string()).collect();
    assert_eq!(event_pages(&house, "").await, (vec![500, 500, 200], expected.clone()));
    assert_eq!(event_pages(&house, "events_limit=400").await, (vec![400, 400, 400], expected));
    let first = house.get(&run_path("?events_limit=7")).await.ok();
    assert_eq!((&first["cost_by_model"][0]["calls"], &first["cost_usd"]), (&json!(7), &json!(1.2)));
}

#[tokio::test]
async fn large_events_come_in_pages_of_about_a_megabyte() {
    let house = House::open().await;
    house.tell(team(1), run_id(1), start("finder", STARTED)).await;
    let data = format!(r#"{{"text":"{}"}}"#, "x".repeat(10_000));
    for chunk in 0..8 {
        let events: Vec<_> =
            (chunk * 50..(chunk + 1) * 50).map(|number| event(number, "log", STARTED, &data)).collect();
        house.tell(team(1), run_id(1), events).await;
    }
    let (sizes, ids) = event_pages(&house, "").await;
    assert_eq!((sizes.len(), ids.len()), (4, 400), "{sizes:?}");
    assert!(house.get(&run_path("")).await.text.len() < 1_200_000);
}

#[tokio::test]
async fn a_cursor_of_events_is_good_for_its_own_run_only() {
    let house = House::open().await;
    for run in [run_id(1), run_id(2)] {
        house.tell(team(1), run, start("finder", STARTED)).await;
        let events: Vec<_> = (0..3).map(|number| event(number, "log", STARTED, "{}")).collect();
        house.tell(team(1), run, events).await;
    }
    let page = house.get(&run_path("?events_limit=1")).await.ok();
    let cursor = page["next_events_cursor"].as_str().unwrap();
    house.get(&run_path(&format!("?events_cursor={cursor}"))).await.ok();
    let other = house.get(&format!("/v1/runs/{}?events_cursor={cursor}", run_id(2))).await;
    assert_refusal(&other, 400, "invalid_field", Some("events_cursor"));
    for limit in ["0", "501", "many", "+5"] {
        let answer = house.get(&run_path(&format!("?events_limit={limit}"))).await;
        assert_refusal(&answer, 400, "invalid_field", Some("events_limit"));
    }
}

/// What the client's clock said stands as it was sent, and the run says that no clock should say it.
#[tokio::test]
async fn a_wild_clock_is_named_and_does_not_decide_the_order() {
    let house = House::open().await;
    const NONE: (Option<&str>, Option<bool>) = (None, None);
    let cases = [
        ("9999-12-31T23:59:59.999Z", NOON, (Some("ahead"), Some(true))),
        ("0001-01-01T00:00:00.000Z", NOON, (Some("behind"), None)),
        (STARTED, "9999-12-31T23:59:59.999Z", (Some("ahead"), None)),
        (STARTED, "2026-05-15T10:59:59.999Z", (None, Some(true))),
        (STARTED, STARTED, NONE),
        ("2026-05-16T12:00:00.000Z", "2026-05-16T12:00:00.000Z", NONE),
        ("2025-04-10T12:00:00.000Z", NOON, NONE),
    ];
    for (number, (started, finished, (skew, backwards))) in (1..).zip(cases) {
        house.tell(team(1), run_id(number), start("finder", started)).await;
        house.tell(team(1), run_id(number), finish(FinishStatus::Success, finished)).await;
        let run = house.get(&format!("/v1/runs/{}", run_id(number))).await.ok();
        let marks =
            (run.get("clock_skew").and_then(Value::as_str), run.get("ends_before_start").and_then(Value::as_bool));
        assert_eq!(marks, (skew, backwards), "{run}");
        assert_eq!((&run["started_at"], &run["finished_at"]), (&json!(started), &json!(finished)), "as sent");
        assert_eq!(run.get("duration_ms").is_none(), backwards.is_some(), "{run}");
    }
    let listed = house.get("/v1/runs?limit=100").await.ok();
    let ids: Vec<&Value> = listed["runs"].as_array().unwrap().iter().map(|run| &run["id"]).collect();
    let expected = [6, 2, 1, 5, 4, 3, 7].map(|number| json!(run_id(number).to_string()));
    assert_eq!(ids, expected.iter().collect::<Vec<_>>());
    let page = house.get("/v1/runs?limit=2").await.ok();
    let rest = house.get(&format!("/v1/runs?cursor={}", page["next_cursor"].as_str().unwrap())).await.ok();
    assert_eq!(rest["runs"][0]["id"], expected[2], "a page goes on where the one before ended");
}
