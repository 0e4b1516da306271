//! What was acknowledged survives.

use serde_json::json;
use tidegate_tests::{Plan, wire};

use crate::team_apart;

/// AP-67: everything that was answered with 202 is there after a `kill -9`, and repeats are still known as such.
#[tokio::test]
async fn data_survives_a_kill() {
    let (target, team) = team_apart(Plan::UNLIMITED).await;
    let run = team.run_id();
    let start = json!({"id": run, "agent": "survivor", "started_at": "2026-05-15T14:32:01.000Z", "feature": "f"});
    let event = wire::log_event(&team.event_id());
    let finish = json!({"status": "failed", "finished_at": "2026-05-15T14:32:13.345Z", "output": {"n": 1}});
    let beat = json!({"id": team.run_id(), "agent": "beat", "started_at": "2026-05-15T14:32:01.000Z"});
    team.start(&start).await.expect(202);
    team.batch(&run, std::slice::from_ref(&event)).await.expect(202);
    team.finish(&run, &finish).await.expect(202);
    team.heartbeat(&beat).await.expect(202);
    target.kill().await;
    target.start().await;
    team.run_with_events(&run, 1).await;
    let stored = team.closed_run(&run).await;
    assert_eq!((&stored["status"], &stored["feature"]), (&json!("failed"), &json!("f")));
    assert_eq!(stored["events"][0]["external_id"], event["external_id"]);
    team.stored_run(beat["id"].as_str().unwrap()).await;
    team.usage_is(4).await;
    team.start(&start).await.expect(200);
    team.batch(&run, std::slice::from_ref(&event)).await.expect(200);
    team.finish(&run, &finish).await.expect(200);
    team.heartbeat(&beat).await.expect(200);
    let other = wire::with(start, "agent", json!("impostor"));
    team.start(&other).await.refused(409, "id_conflict", Some("agent"));
    let other = wire::with(event, "type", json!("decision"));
    team.batch(&run, &[other]).await.refused(409, "id_conflict", Some("events[0].external_id"));
    team.usage_is(4).await;
    let more = [wire::log_event(&team.event_id())];
    team.batch(&run, &more).await.expect(202);
    team.usage_is(5).await;
}

/// AP-67: an orphan survives too: what waits for its start is data.
#[tokio::test]
async fn an_orphan_survives_a_kill() {
    let (target, team) = team_apart(Plan::UNLIMITED).await;
    let run = team.run_id();
    team.batch(&run, &[wire::log_event(&team.event_id())]).await.expect(202);
    team.finish(&run, &wire::finish()).await.expect(202);
    target.kill().await;
    target.start().await;
    team.start(&wire::start(&run, "late")).await.expect(202);
    assert_eq!(team.run_with_events(&run, 1).await["status"], "success");
}

/// AP-67: an orderly stop leaves nothing behind, and says so by its exit code.
#[tokio::test]
async fn an_orderly_stop_is_clean() {
    let (target, team) = team_apart(Plan::UNLIMITED).await;
    let mut runs = Vec::new();
    for _ in 0..20 {
        let run = team.run_id();
        team.start(&wire::start(&run, "a")).await.expect(202);
        runs.push(run);
    }
    assert!(target.stop().await, "the exit code says that something was left:\n{}", target.log());
    target.start().await;
    team.lists_exactly(&runs).await;
}
