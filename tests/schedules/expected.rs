//! One afternoon of agents that are expected: which runs cover which slots, and what is said of the others.

use serde_json::{Value, json};
use tidegate_tests::clock::{iso, read_iso};
use tidegate_tests::eventually;

use crate::PATIENCE;
use crate::crew::{Crew, merge};
use crate::stage::Stage;

/// A schedule that is judged from its first slot on, with these members.
fn judged(cron: &str, tolerance_s: u32, members: Value) -> Value {
    let mut schedule = json!({"cron": cron, "tolerance_s": tolerance_s, "start_unseen": true});
    merge(&mut schedule, members);
    schedule
}

/// An instant of an object.
fn instant(object: &Value, member: &str) -> i64 {
    read_iso(object[member].as_str().unwrap_or_else(|| panic!("{member} of {object}")))
}

/// AC-19, AC-21, AC-22, AC-27, AC-31, AC-32, AC-34, AC-36, AC-37, AC-38, AC-39. One timeline for all of them: each
/// has an agent of its own.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ac_19_to_39_slots_and_runs_are_judged_by_what_came() {
    let stage = Stage::begin().await;
    let crew = stage.crew().await;
    let ops = crew.serves(&stage, &["ops", "copy"]).await;
    stage.to("12:20").await;
    for agent in ["starts", "fails", "late", "watched"] {
        crew.expects(agent, judged("0 13 * * *", 600, json!({}))).await;
    }
    crew.expects("early", judged("0 * * * *", 600, json!({}))).await;
    crew.expects("thrice", judged("0 * * * *", 600, json!({"alert_after": 3}))).await;
    crew.expects("unseen", json!({"cron": "0 * * * *", "tolerance_s": 600})).await;
    crew.expects("wide", judged("0,10 13 * * *", 1_800, json!({}))).await;
    crew.expects("minutely", judged("* 13-15 * * *", 60, json!({}))).await;
    crew.expects("often", json!({"every_s": 1_800, "tolerance_s": 300})).await;
    crew.expects("overtaken", json!({"cron": "0 0 1 1 *", "tolerance_s": 60, "max_runtime_s": 1_800})).await;
    crew.report("often", json!({})).await;
    crew.start("overtaken", stage.now(), json!({})).await;
    let (root, child) = root_and_child(&stage, &crew).await;
    crew.report("overtaken", json!({})).await;

    stage.to("12:52").await;
    crew.report("early", json!({})).await;
    stage.to("13:06").await;
    let started = crew.start("starts", stage.now(), json!({})).await;
    crew.report("fails", json!({"status": "fail"})).await;
    let covering = crew.report("wide", json!({})).await;

    stage.to("13:32").await;
    crew.slots_are("late", &["missed"]).await;
    // It had started in the window, and is heard of now.
    crew.start("late", stage.at("13:04"), json!({})).await;
    let slots = crew.slots_are("starts", &["open"]).await;
    assert_eq!(slots[0]["run_id"], started.as_str(), "AC-19: a start covers");
    crew.finish(&started, "success", json!({})).await;
    crew.slots_are("starts", &["ok"]).await;
    crew.slots_are("fails", &["failed"]).await;

    stage.to("14:12").await;
    crew.slots_are("late", &["ok_late"]).await;
    crew.slots_are("early", &["ok", "missed"]).await;
    let slots = crew.slots_are("wide", &["ok", "missed"]).await;
    assert_eq!((&slots[0]["run_id"], slots[1].get("run_id")), (&json!(covering), None), "AC-22: a run covers one slot");
    crew.slots_are("watched", &["missed"]).await;
    is_not_judged(&crew, "unseen").await;
    crew.slots_are("thrice", &["missed", "missed"]).await;
    crew.incidents_are("thrice", &[]).await;

    stage.to("15:12").await;
    crew.slots_are("thrice", &["missed", "missed", "missed"]).await;
    let third = stage.message("/ops", Some("thrice"), "schedule.missed").await;
    assert_eq!((&third["data"]["missed_in_row"], &third["timestamp"]), (&json!(3), &json!(stage.iso("15:10"))));

    stage.to("16:12").await;
    minutely(&crew, &ops).await;
    period(&stage).await;
    recovery(&stage, &crew).await;
    // AC-39: one incident, at the root's agent, which names the child.
    let failed = stage.message("/ops", Some("root"), "run.failed").await;
    let data = &failed["data"];
    assert_eq!(
        (&data["run_id"], &data["child_run_id"], &data["status"]),
        (&json!(root), &json!(child), &json!("failed"))
    );
    crew.incidents_are("root", &["open"]).await;
    crew.incidents_are("worker", &[]).await;
    // AC-34: a newer run has succeeded, and the older one is still open.
    crew.incidents_are("overtaken", &[]).await;
    is_not_judged(&crew, "unseen").await;
}

/// AC-31: no slot of an agent that was never seen is decided.
async fn is_not_judged(crew: &Crew, agent: &str) {
    let slots = eventually(PATIENCE, "the slots", async || crew.slots(agent).await).await;
    assert!(slots.iter().all(|slot| slot["outcome"] == "open"), "{slots:?}");
}

/// A run with one below it that fails.
async fn root_and_child(stage: &Stage, crew: &Crew) -> (String, String) {
    let root = crew.start("root", stage.now(), json!({})).await;
    stage.target.at_rest().await;
    let child = crew.start("worker", stage.now(), json!({"parent_run_id": root})).await;
    stage.target.at_rest().await;
    crew.finish(&child, "failed", json!({})).await;
    (root, child)
}

/// AC-36: three hours down are at most four messages, which count what they stand for.
async fn minutely(crew: &Crew, ops: &str) {
    crew.slots_are("minutely", &["missed"; 180]).await;
    crew.edges_are(ops, "minutely", &["firing sent", "repeat sent", "repeat sent"]).await;
    let all = eventually(PATIENCE, "the messages", async || crew.deliveries(ops).await).await;
    let bodies = all.iter().filter(|one| one["agent"] == "minutely");
    let bodies = bodies.map(|one| serde_json::from_str::<Value>(one["body"].as_str().unwrap()).unwrap());
    let folded: Vec<u64> = bodies.map(|body| body["data"]["folded"].as_u64().unwrap()).collect();
    assert_eq!(folded, [0, 59, 59]);
}

/// AC-32: the slot is the last opening's receipt and the period; the next one is a period later.
async fn period(stage: &Stage) {
    let missed = stage.message("/ops", Some("often"), "schedule.missed").await;
    let data = &missed["data"];
    let expected_at = instant(data, "expected_at");
    assert_eq!(expected_at, instant(&data["last_run"], "received_at") + 1_800_000, "{missed}");
    assert_eq!(data["next_expected_at"], iso(expected_at + 1_800_000));
    assert_eq!((&data["deadline"], &data["schedule"]), (&json!(iso(expected_at + 300_000)), &json!("every 1800 s")));
}

/// AC-27, AC-37: the late run resolves the incident, and each route that got the alert gets one recovery.
async fn recovery(stage: &Stage, crew: &Crew) {
    let incident = crew.incidents_are("late", &["resolved"]).await.remove(0);
    for path in ["/ops", "/copy"] {
        let fired = stage.message(path, Some("late"), "schedule.missed").await;
        let recovered = stage.message(path, Some("late"), "schedule.recovered").await;
        assert_eq!((&fired["incident_id"], &recovered["incident_id"]), (&incident["id"], &incident["id"]));
        let down_ms = instant(&recovered["data"], "resolved_at") - instant(&fired, "timestamp");
        assert_eq!(recovered["data"]["down_s"], down_ms / 1_000, "{recovered}");
        assert_eq!(fired["timestamp"], stage.iso("13:10"));
        assert_eq!(stage.types(path, "late"), ["schedule.missed", "schedule.recovered"]);
    }
}
