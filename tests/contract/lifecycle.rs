//! Orphans, late events, idle closing, conversations, parents.

use serde_json::{Value, json};
use tidegate_tests::clock::{DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS, iso, now_ms, read_iso};
use tidegate_tests::team::{events, text};
use tidegate_tests::{Plan, ids, wire};

use crate::{team, team_apart};

/// AP-21: events of a run not yet opened are accepted, hidden, and appear once it is opened.
#[tokio::test]
async fn events_may_come_before_the_start() {
    let (_target, team) = team().await;
    let run = team.run_id();
    let early = [wire::log_event(&team.event_id()), wire::log_event(&team.event_id())];
    team.batch(&run, &early).await.expect(202);
    assert!(team.stored(&run).await.is_none(), "an orphan is hidden");
    team.batch(&run, &early).await.expect(200);
    team.start(&wire::start(&run, "late")).await.expect(202);
    assert_eq!(team.run_with_events(&run, 2).await["status"], "running");
    team.lists_exactly(&[run]).await;
    team.usage_is(3).await;
}

/// AP-22: events after the finish are accepted and priced; status and end stay.
#[tokio::test]
async fn late_events_are_taken() {
    let (_target, team) = team().await;
    team.set_rate("acme", "m1", "3", None, "15").await;
    let run = team.run_id();
    team.start(&wire::start(&run, "a")).await.expect(202);
    let finish = json!({"status": "failed", "finished_at": iso(now_ms())});
    team.finish(&run, &finish).await.expect(202);
    let call = wire::llm_call(&team.event_id(), "acme", "m1", (1_000_000, 0, 0));
    team.batch(&run, &[call]).await.expect(202);
    let stored = team.run_with_events(&run, 1).await;
    assert_eq!((&stored["cost_usd"], &stored["status"]), (&json!(3), &json!("failed")));
    assert_eq!(stored["finished_at"], finish["finished_at"]);
}

/// AP-28: a finish before the start is held; the start then yields a finished run, and says so.
#[tokio::test]
async fn a_finish_may_come_before_the_start() {
    let (_target, team) = team().await;
    let run = team.run_id();
    let finish = json!({"status": "cancelled", "finished_at": "2026-05-15T14:32:13.345Z"});
    let held = team.finish(&run, &finish).await.expect(202);
    assert_eq!((&held.json()["id"], &held.json()["status"]), (&json!(run), &json!("cancelled")));
    for unknown in ["agent", "started_at", "duration_ms"] {
        assert!(held.json().get(unknown).is_none(), "its {unknown} is not known yet: {held}");
    }
    assert!(team.stored(&run).await.is_none(), "an orphan is hidden");
    let start = json!({"id": run, "agent": "a", "started_at": "2026-05-15T14:32:01.000Z"});
    let answer = team.start(&start).await.expect(202).json();
    assert_eq!(answer["status"], "cancelled");
    let stored = team.closed_run(&run).await;
    assert_eq!((&stored["status"], &stored["duration_ms"]), (&json!("cancelled"), &json!(12_345)));
    team.finish(&run, &wire::finish()).await.expect(200);
    assert_eq!(team.start(&start).await.expect(200).json()["status"], "cancelled");
}

/// AP-65: a silent run closes with its chosen status, dated at its last activity; an event reopens it.
#[tokio::test]
async fn silence_closes_and_an_event_reopens() {
    let (target, team) = team_apart(Plan::UNLIMITED).await;
    let run = team.run_id();
    let idle = wire::with(wire::start(&run, "chat"), "idle_timeout_seconds", json!(60));
    team.start(&wire::with(idle, "idle_timeout_status", json!("success"))).await.expect(202);
    let first = team.batch(&run, &[wire::log_event(&team.event_id())]).await.expect(202).json();
    let open = team.run_with_events(&run, 1).await;
    assert_eq!((&open["status"], &open["finished_at"]), (&json!("running"), &Value::Null));
    target.set_clock(61 * SECOND_MS + MINUTE_MS).await;
    let closed = team.stored_run(&run).await;
    assert_eq!(closed["status"], "success");
    assert_eq!(closed["finished_at"], first["received_at"], "dated at the last activity, not at the look");
    assert_eq!(team.listed("status=success").await.len(), 1);
    let later = team.batch(&run, &[wire::log_event(&team.event_id())]).await.expect(202).json();
    let reopened = team.run_with_events(&run, 2).await;
    assert_eq!((&reopened["status"], &reopened["finished_at"]), (&json!("running"), &Value::Null));
    target.set_clock(HOUR_MS).await;
    let closed = team.stored_run(&run).await;
    assert_eq!((&closed["status"], &closed["finished_at"]), (&json!("success"), &later["received_at"]));
}

/// AP-65: the default status is `timeout`; a run with no events is dated at its start; one without the member never
/// closes; an explicit finish is not reopened by an event (our choice).
#[tokio::test]
async fn only_runs_that_ask_for_it_close() {
    let (target, team) = team_apart(Plan::UNLIMITED).await;
    let (silent, patient, finished) = (team.run_id(), team.run_id(), team.run_id());
    let idle = |run: &str| wire::with(wire::start(run, "chat"), "idle_timeout_seconds", json!(60));
    let opened = team.start(&idle(&silent)).await.expect(202).json();
    team.start(&wire::start(&patient, "batch")).await.expect(202);
    team.start(&idle(&finished)).await.expect(202);
    team.finish(&finished, &wire::with(wire::finish(), "status", json!("failed"))).await.expect(202);
    for run in [&silent, &patient, &finished] {
        team.stored_run(run).await;
    }
    team.closed_run(&finished).await;
    target.set_clock(30 * DAY_MS).await;
    let closed = team.stored_run(&silent).await;
    assert_eq!((&closed["status"], &closed["finished_at"]), (&json!("timeout"), &opened["received_at"]));
    assert_eq!(team.stored_run(&patient).await["status"], "running");
    team.batch(&finished, &[wire::log_event(&team.event_id())]).await.expect(202);
    assert_eq!(team.run_with_events(&finished, 1).await["status"], "failed");
}

/// AP-66: a conversation's start posted on every turn answers 200, keeps one run, and counts as activity.
#[tokio::test]
async fn a_conversation_is_one_run() {
    let (target, team) = team_apart(Plan::UNLIMITED).await;
    // As the conversation helper makes it: the session's hex is the run's, its first 12 digits are the start.
    let run = team.run_id();
    let born = i64::from_str_radix(&run[7..19], 16).unwrap();
    let start = json!({
        "id": run, "agent": "chat", "started_at": iso(born), "idle_timeout_seconds": 900,
        "idle_timeout_status": "success",
    });
    team.start(&start).await.expect(202);
    for turn in 1..=5 {
        let answer = team.start(&start).await.expect(200).json();
        assert_eq!((&answer["status"], &answer["started_at"]), (&json!("running"), &start["started_at"]));
        let event = wire::with(wire::log_event(&team.event_id()), "turn", json!(turn));
        team.batch(&run, &[event]).await.expect(202);
    }
    let stored = team.run_with_events(&run, 5).await;
    assert_eq!(events(&stored)[4]["turn"], 5);
    team.lists_exactly(std::slice::from_ref(&run)).await;
    team.usage_is(6).await;
    // 10 minutes on, the start alone keeps it open for another 15.
    target.set_clock(10 * MINUTE_MS).await;
    team.start(&start).await.expect(200);
    target.set_clock(20 * MINUTE_MS).await;
    team.stored_when(&run, "is kept open by its start", |run| run["status"] == "running").await;
    target.set_clock(26 * MINUTE_MS).await;
    let closed = team.stored_run(&run).await;
    assert_eq!(closed["status"], "success");
    let end = read_iso(&text(&closed, "finished_at")) - now_ms();
    assert!((end - 10 * MINUTE_MS).abs() < 5 * MINUTE_MS, "dated at the last start: {closed}");
    team.usage_is(6).await;
}

/// AP-29: an orphan belongs to the team that sent it (our choice).
#[tokio::test]
async fn an_orphan_belongs_to_its_team() {
    let (target, one) = team().await;
    let two = tidegate_tests::Team::create(target.deployment(), Plan::UNLIMITED).await;
    let run = ids::fresh("run", &target.region);
    one.batch(&run, &[wire::log_event(&one.event_id())]).await.expect(202);
    one.finish(&run, &wire::finish()).await.expect(202);
    assert_eq!(two.start(&wire::start(&run, "a")).await.expect(202).json()["status"], "running");
    assert!(events(&two.settled(&run).await).is_empty());
    one.start(&wire::start(&run, "a")).await.expect(202);
    assert_eq!(one.run_with_events(&run, 1).await["status"], "success");
}
