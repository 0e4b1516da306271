//! `POST /v1/heartbeats`: a run in one call.

use serde_json::{Value, json};
use tidegate_tests::clock::{MINUTE_MS, now_ms, read_iso};
use tidegate_tests::team::text;
use tidegate_tests::{ids, wire};

use crate::team;

/// AP-31: with only `agent`: 202, a minted UUIDv7 run id, `ok`, both times equal to the receive time.
#[tokio::test]
async fn the_smallest_heartbeat() {
    let (target, team) = team().await;
    let answer = team.heartbeat(&json!({"agent": "cron"})).await.expect(202);
    assert_eq!(
        answer.members(),
        ["agent", "duration_ms", "finished_at", "id", "received_at", "started_at", "status"],
        "no cost was given, so none is told"
    );
    let said = answer.json();
    let id = text(&said, "id");
    assert!(ids::is_minted(&id, "run", &target.region), "{id}");
    assert_eq!((&said["agent"], &said["status"], &said["duration_ms"]), (&json!("cron"), &json!("ok"), &json!(0)));
    assert_eq!(said["started_at"], said["received_at"]);
    assert_eq!(said["finished_at"], said["received_at"]);
    let received = read_iso(said["received_at"].as_str().unwrap());
    assert!((now_ms() - received).abs() < MINUTE_MS, "{answer}");
    let stored = team.stored_run(&id).await;
    assert_eq!((&stored["status"], &stored["agent"]), (&json!("success"), &json!("cron")));
    for member in ["started_at", "finished_at", "received_at", "duration_ms"] {
        assert_eq!(stored[member], said[member], "{member}");
    }
    team.usage_is(1).await;
}

/// AP-32: with an id, the repeat answers 200; another agent or start is a conflict.
#[tokio::test]
async fn an_id_makes_it_repeatable() {
    let (_target, team) = team().await;
    let run = team.run_id();
    let body = json!({"id": run, "agent": "cron", "started_at": "2026-05-15T14:32:01.000Z"});
    let first = team.heartbeat(&body).await.expect(202).json();
    assert_eq!(first["id"], run.as_str());
    let again = team.heartbeat(&body).await.expect(200).json();
    for member in ["id", "agent", "status", "started_at", "finished_at", "received_at", "duration_ms"] {
        assert_eq!(again[member], first[member], "{member}");
    }
    let other_agent = wire::with(body.clone(), "agent", json!("other"));
    team.heartbeat(&other_agent).await.refused(409, "id_conflict", Some("agent"));
    let other_start = wire::with(body.clone(), "started_at", json!("2026-05-15T14:32:02.000Z"));
    team.heartbeat(&other_start).await.refused(409, "id_conflict", Some("started_at"));
    team.heartbeat(&wire::without(body, "started_at")).await.expect(200);
    assert_eq!(team.settled(&run).await["agent"], "cron");
    team.usage_is(2).await;
}

/// AP-33: the duration follows from the two times; the documented example gives 12300.
#[tokio::test]
async fn duration_follows_from_the_times() {
    let (_target, team) = team().await;
    let body = json!({
        "agent": "daily-summary", "started_at": "2026-05-15T14:32:01.000Z", "finished_at": "2026-05-15T14:32:13.300Z",
    });
    let said = team.heartbeat(&body).await.expect(202).json();
    assert_eq!(said["duration_ms"], 12_300);
    assert_eq!(said["started_at"], body["started_at"]);
    assert_eq!(said["finished_at"], body["finished_at"]);
    assert_eq!(team.stored_run(&text(&said, "id")).await["duration_ms"], 12_300);
    let backwards = json!({
        "agent": "daily-summary", "started_at": "2026-05-15T14:32:13.300Z", "finished_at": "2026-05-15T14:32:01.000Z",
    });
    let said = team.heartbeat(&backwards).await.expect(202).json();
    assert_eq!(said["duration_ms"], Value::Null, "the clocks disagree");
    let stored = team.stored_run(&text(&said, "id")).await;
    assert_eq!((&stored["duration_ms"], &stored["ends_before_start"]), (&Value::Null, &json!(true)));
}

/// AP-34: `start` then `ok` with one id is one run whose duration is the gap, also when the second omits the start.
#[tokio::test]
async fn a_start_and_an_ok_are_one_run() {
    let (_target, team) = team().await;
    let run = team.run_id();
    let start = json!({"id": run, "agent": "nightly", "status": "start", "started_at": "2026-05-15T14:32:01.000Z"});
    let opened = team.heartbeat(&start).await.expect(202);
    assert_eq!(opened.members(), ["agent", "id", "received_at", "started_at", "status"], "it has not ended");
    assert_eq!(opened.json()["status"], "start");
    assert_eq!(team.stored_run(&run).await["status"], "running");
    team.heartbeat(&start).await.expect(200);
    let ok = json!({"id": run, "agent": "nightly", "finished_at": "2026-05-15T14:35:01.500Z"});
    let closed = team.heartbeat(&ok).await.expect(202).json();
    assert_eq!((&closed["status"], &closed["duration_ms"]), (&json!("ok"), &json!(180_500)));
    assert_eq!(closed["started_at"], "2026-05-15T14:32:01.000Z");
    let stored = team.closed_run(&run).await;
    assert_eq!((&stored["status"], &stored["duration_ms"]), (&json!("success"), &json!(180_500)));
    team.heartbeat(&ok).await.expect(200);
    team.lists_exactly(&[run]).await;
    team.usage_is(2).await;
}

/// AP-34: without any times, the duration is the gap between the two deliveries.
#[tokio::test]
async fn the_gap_between_two_deliveries() {
    let (_target, team) = team().await;
    let run = team.run_id();
    let opened = team.heartbeat(&json!({"id": run, "agent": "nightly", "status": "start"})).await.expect(202).json();
    team.stored_run(&run).await;
    let closed = team.heartbeat(&json!({"id": run, "agent": "nightly", "status": "fail"})).await.expect(202).json();
    assert_eq!(closed["started_at"], opened["started_at"], "of the start");
    let stored = team.closed_run(&run).await;
    let gap = read_iso(&text(&stored, "finished_at")) - read_iso(&text(&opened, "started_at"));
    assert_eq!((&stored["status"], &stored["duration_ms"]), (&json!("failed"), &json!(gap)));
    assert_eq!(closed["duration_ms"], gap);
}

/// AP-34: the second call conflicts only in what it sends: another agent, or another start.
#[tokio::test]
async fn the_closing_call_may_conflict() {
    let (_target, team) = team().await;
    let run = team.run_id();
    let start = json!({"id": run, "agent": "nightly", "status": "start", "started_at": "2026-05-15T14:32:01.000Z"});
    team.heartbeat(&start).await.expect(202);
    let other = json!({"id": run, "agent": "daily"});
    team.heartbeat(&other).await.refused(409, "id_conflict", Some("agent"));
    let moved = json!({"id": run, "agent": "nightly", "started_at": "2026-05-15T14:32:01.001Z"});
    team.heartbeat(&moved).await.refused(409, "id_conflict", Some("started_at"));
    assert_eq!(team.settled(&run).await["status"], "running");
    let ok = json!({"id": run, "agent": "nightly", "started_at": "2026-05-15T14:32:01.000Z"});
    team.heartbeat(&ok).await.expect(202);
    assert_eq!(team.closed_run(&run).await["status"], "success");
}

/// AP-34: once closed, another status answers 200 with the stored record, and so does another `start` (our choice).
#[tokio::test]
async fn a_closed_run_stays_closed() {
    let (_target, team) = team().await;
    let run = team.run_id();
    let first = team.heartbeat(&json!({"id": run, "agent": "nightly", "status": "ok"})).await.expect(202).json();
    let again = team.heartbeat(&json!({"id": run, "agent": "nightly", "status": "fail"})).await.expect(200).json();
    assert_eq!((&again["status"], &again["finished_at"]), (&json!("ok"), &first["finished_at"]));
    team.heartbeat(&json!({"id": run, "agent": "nightly", "status": "start"})).await.expect(200);
    assert_eq!(team.settled(&run).await["status"], "success");
    team.usage_is(2).await;
}

/// AP-34: a heartbeat with the id of a run opened by `POST /v1/runs` closes it, as a finish would (our choice).
#[tokio::test]
async fn a_heartbeat_closes_an_opened_run() {
    let (_target, team) = team().await;
    let run = team.run_id();
    team.start(&wire::start(&run, "worker")).await.expect(202);
    team.heartbeat(&json!({"id": run, "agent": "someone-else"})).await.refused(409, "id_conflict", Some("agent"));
    let closed = team.heartbeat(&json!({"id": run, "agent": "worker", "status": "timeout"})).await.expect(202).json();
    assert_eq!(closed["status"], "timeout");
    assert_eq!(team.closed_run(&run).await["status"], "timeout");
    team.finish(&run, &wire::finish()).await.expect(200);
    team.usage_is(2).await;
}

/// AP-35: an explicit `duration_ms` is returned and kept as given, even against the times.
#[tokio::test]
async fn a_given_duration_is_kept() {
    let (_target, team) = team().await;
    let body = json!({
        "agent": "cron", "duration_ms": 777, "started_at": "2026-05-15T14:32:01.000Z",
        "finished_at": "2026-05-15T14:32:13.300Z",
    });
    let said = team.heartbeat(&body).await.expect(202).json();
    assert_eq!(said["duration_ms"], 777);
    assert_eq!(team.stored_run(&text(&said, "id")).await["duration_ms"], 777);
    for refused in [json!(-1), json!(1.5), json!("12"), json!(true)] {
        let body = json!({"agent": "cron", "duration_ms": refused});
        team.heartbeat(&body).await.refused(400, "invalid_field", Some("duration_ms"));
    }
}

/// AP-36: `cost_usd` is returned and stored exactly as given.
#[tokio::test]
async fn a_cost_is_exact() {
    let (_target, team) = team().await;
    for cost in ["0.084", "0.1", "0.3", "12", "0.000000001", "123456.789012345", "1000000000", "0"] {
        let body = format!(r#"{{"agent":"cron","cost_usd":{cost}}}"#);
        let answer = team.call("POST", "/v1/heartbeats").bytes(body).send().await.expect(202);
        assert_eq!(answer.raw("cost_usd").as_deref(), Some(cost));
        let run = text(&answer.json(), "id");
        team.stored_run(&run).await;
        assert_eq!(team.stored(&run).await.unwrap().raw("cost_usd").as_deref(), Some(cost), "as stored");
    }
    for cost in ["-0.01", "1e10", "1000000000.1", "\"0.084\"", "true", "[1]", "1e999"] {
        let body = format!(r#"{{"agent":"cron","cost_usd":{cost}}}"#);
        let answer = team.call("POST", "/v1/heartbeats").bytes(body).send().await;
        answer.refused(400, "invalid_field", Some("cost_usd"));
    }
    let body = r#"{"agent":"cron","cost_usd":8.4e-2}"#;
    let answer = team.call("POST", "/v1/heartbeats").bytes(body).send().await.expect(202);
    assert_eq!(answer.raw("cost_usd").as_deref(), Some("0.084"), "another spelling of the same amount");
}

/// AP-37: SDKs' words are read (`failed` and `error` as `fail`, `success` as `ok`), the documented one is echoed.
#[tokio::test]
async fn status_words() {
    let (_target, team) = team().await;
    for (sent, echoed, stored) in [
        ("ok", "ok", "success"),
        ("success", "ok", "success"),
        ("fail", "fail", "failed"),
        ("failed", "fail", "failed"),
        ("error", "fail", "failed"),
        ("timeout", "timeout", "timeout"),
        ("start", "start", "running"),
    ] {
        let said = team.heartbeat(&json!({"agent": "words", "status": sent})).await.expect(202).json();
        assert_eq!(said["status"], echoed, "{sent}");
        assert_eq!(team.stored_run(&text(&said, "id")).await["status"], stored, "{sent}");
    }
    for refused in [json!("bogus"), json!("OK"), json!("running"), json!("cancelled"), json!(1), json!([])] {
        let body = json!({"agent": "words", "status": refused});
        team.heartbeat(&body).await.refused(400, "invalid_field", Some("status"));
    }
}

/// AP-31: the other members are accepted and kept: metadata, output, customer, feature, token counts.
#[tokio::test]
async fn everything_a_heartbeat_may_carry() {
    let (_target, team) = team().await;
    let body = json!({
        "agent": "full", "metadata": {"host": "w-1"}, "output": {"rows": 7}, "customer_id": "c-9", "feature": "digest",
        "input_tokens": 1200, "output_tokens": 80, "cost_usd": 0.5,
    });
    let said = team.heartbeat(&body).await.expect(202).json();
    let stored = team.stored_run(&text(&said, "id")).await;
    for member in ["metadata", "output", "customer_id", "feature", "cost_usd"] {
        assert_eq!(stored[member], body[member], "{member}");
    }
    for (member, value) in [("input_tokens", json!(-1)), ("output_tokens", json!("many")), ("customer_id", json!(9))] {
        team.heartbeat(&wire::with(body.clone(), member, value)).await.refused(400, "invalid_field", Some(member));
    }
    team.heartbeat(&wire::with(body.clone(), "note", json!(1))).await.refused(400, "unknown_field", Some("note"));
    for missing in [wire::without(body.clone(), "agent"), wire::with(body, "agent", Value::Null)] {
        team.heartbeat(&missing).await.refused(400, "missing_field", Some("agent"));
    }
}
