//! `POST /v1/runs/{id}/finish`: closing a run.

use serde_json::{Value, json};
use tidegate_tests::clock::{MINUTE_MS, now_ms, read_iso};
use tidegate_tests::{Team, wire};

use crate::team;

async fn opened(team: &Team) -> String {
    let run = team.run_id();
    let start = json!({"id": run, "agent": "finisher", "started_at": "2026-05-15T14:32:01.000Z"});
    team.start(&start).await.expect(202);
    run
}

/// AP-26: a finish answers 202 with the run's record, closes the run, and keeps output and scores.
#[tokio::test]
async fn a_finish_closes_the_run() {
    let (_target, team) = team().await;
    let run = opened(&team).await;
    let body = json!({
        "status": "success", "finished_at": "2026-05-15T14:32:13.345Z",
        "output": {"summary": "done", "items": [1, 2]}, "scores": {"helpfulness": 0.92, "tone": 1},
    });
    let answer = team.finish(&run, &body).await.expect(202);
    let said = answer.json();
    assert_eq!((&said["id"], &said["status"]), (&json!(run), &json!("success")));
    assert_eq!(said["agent"], "finisher");
    assert_eq!(said["started_at"], "2026-05-15T14:32:01.000Z");
    assert_eq!(said["finished_at"], "2026-05-15T14:32:13.345Z");
    assert_eq!(said["duration_ms"], 12_345);
    read_iso(said["received_at"].as_str().unwrap());
    let known = ["agent", "cost_usd", "duration_ms", "finished_at", "id", "received_at", "started_at", "status"];
    assert!(answer.members().iter().all(|member| known.contains(&member.as_str())), "{answer}");
    let stored = team.closed_run(&run).await;
    assert_eq!(stored["status"], "success");
    assert_eq!(stored["finished_at"], "2026-05-15T14:32:13.345Z");
    assert_eq!(stored["duration_ms"], 12_345);
    assert_eq!(stored["output"], body["output"]);
    assert_eq!(stored["scores"], body["scores"]);
}

/// AP-27: finishing again, the same or different, answers 200 with the stored record, which never changes.
#[tokio::test]
async fn a_finished_run_is_immutable() {
    let (_target, team) = team().await;
    let run = opened(&team).await;
    let body = json!({"status": "success", "finished_at": "2026-05-15T14:32:13.345Z", "output": {"n": 1}});
    let first = team.finish(&run, &body).await.expect(202).json();
    let others = [
        body.clone(),
        json!({"status": "failed", "finished_at": "2026-05-15T15:00:00.000Z"}),
        json!({"status": "cancelled", "output": {"n": 2}, "scores": {"x": 1}, "metadata": {"late": true}}),
    ];
    for other in others {
        let again = team.finish(&run, &other).await.expect(200).json();
        for member in ["id", "agent", "status", "started_at", "finished_at", "duration_ms"] {
            assert_eq!(again[member], first[member], "{member} after {other}");
        }
    }
    let stored = team.settled(&run).await;
    assert_eq!((&stored["status"], &stored["output"]), (&json!("success"), &json!({"n": 1})));
    assert_eq!(stored["finished_at"], "2026-05-15T14:32:13.345Z");
    assert!(stored["metadata"].get("late").is_none() && stored["scores"].get("x").is_none(), "{stored}");
    team.usage_is(3).await;
}

/// AP-30: the four statuses are kept, `error` becomes `failed`, any other is refused.
#[tokio::test]
async fn finish_statuses() {
    let (_target, team) = team().await;
    for (sent, kept) in [
        ("success", "success"),
        ("failed", "failed"),
        ("timeout", "timeout"),
        ("cancelled", "cancelled"),
        ("error", "failed"),
    ] {
        let run = opened(&team).await;
        let answer = team.finish(&run, &wire::with(wire::finish(), "status", json!(sent))).await.expect(202);
        assert_eq!(answer.json()["status"], kept, "{sent}");
        assert_eq!(team.closed_run(&run).await["status"], kept, "{sent}");
    }
    let run = opened(&team).await;
    for refused in [json!("running"), json!("ok"), json!("Success"), json!("done"), json!(1), json!(["success"])] {
        let body = wire::with(wire::finish(), "status", refused);
        team.finish(&run, &body).await.refused(400, "invalid_field", Some("status"));
    }
    for missing in [wire::without(wire::finish(), "status"), wire::with(wire::finish(), "status", json!(""))] {
        team.finish(&run, &missing).await.refused(400, "missing_field", Some("status"));
    }
    assert_eq!(team.settled(&run).await["status"], "running");
}

/// AP-26: without `finished_at` the receive time counts; an end before the start leaves the duration unknown, and the run says so
/// (our choice).
#[tokio::test]
async fn the_end_has_a_default_and_may_lie_before_the_start() {
    let (_target, team) = team().await;
    let run = opened(&team).await;
    let answer = team.finish(&run, &json!({"status": "success"})).await.expect(202).json();
    let finished = read_iso(answer["finished_at"].as_str().unwrap());
    assert!((now_ms() - finished).abs() < MINUTE_MS, "{answer}");
    assert_eq!(team.closed_run(&run).await["finished_at"], answer["finished_at"]);
    let run = opened(&team).await;
    let early = json!({"status": "success", "finished_at": "2026-05-15T14:00:00.000Z"});
    assert_eq!(team.finish(&run, &early).await.expect(202).json()["duration_ms"], Value::Null);
    let stored = team.closed_run(&run).await;
    assert_eq!((&stored["duration_ms"], &stored["ends_before_start"]), (&Value::Null, &json!(true)));
    assert_eq!(stored["finished_at"], "2026-05-15T14:00:00.000Z");
}

/// AP-26: `output` may be any JSON value, and comes back as it was sent (our choice).
#[tokio::test]
async fn output_is_any_value() {
    let (_target, team) = team().await;
    for output in [json!("text"), json!(42), json!(true), json!([1, {"a": null}]), json!({"a": {"b": "c"}})] {
        let run = opened(&team).await;
        team.finish(&run, &wire::with(wire::finish(), "output", output.clone())).await.expect(202);
        assert_eq!(team.closed_run(&run).await["output"], output);
    }
}

/// AP-26: scores are finite numbers by name; they count nothing (our choice for the refusals).
#[tokio::test]
async fn scores_are_numbers() {
    let (_target, team) = team().await;
    let run = opened(&team).await;
    let refused =
        [json!({"a": "high"}), json!({"a": null}), json!({"a": [1]}), json!({"a": true}), json!([1]), json!("x")];
    for scores in refused {
        let answer = team.finish(&run, &wire::with(wire::finish(), "scores", scores.clone())).await.expect(400).json();
        assert_eq!(answer["error"], "invalid_field", "{scores}: {answer}");
        assert!(answer["field"].as_str().unwrap().starts_with("scores"), "{scores}: {answer}");
    }
    let body = r#"{"status":"success","scores":{"a":1e999}}"#;
    let answer = team.call("POST", &format!("/v1/runs/{run}/finish")).bytes(body).send().await;
    assert_eq!(answer.status, 400, "no finite number: {answer}");
    let scores = json!({"a": 0, "b": -1.5, "c": 0.1});
    team.finish(&run, &wire::with(wire::finish(), "scores", scores.clone())).await.expect(202);
    assert_eq!(team.closed_run(&run).await["scores"], scores);
    team.usage_is(2).await;
}

/// AP-12: an unknown member of a finish is refused by name.
#[tokio::test]
async fn unknown_members_are_refused() {
    let (_target, team) = team().await;
    let run = opened(&team).await;
    let body = wire::with(wire::finish(), "result", json!("x"));
    team.finish(&run, &body).await.refused(400, "unknown_field", Some("result"));
    let stored: Value = team.settled(&run).await;
    assert_eq!(stored["status"], "running");
}
