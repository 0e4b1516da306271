//! A message of every kind at a webhook, with the body that is documented for it.

use serde_json::json;
use tidegate_tests::Plan;
use tidegate_tests::clock::iso;
use tidegate_tests::eventually;
use tidegate_tests::team::{Agreed, text};

use crate::PATIENCE;
use crate::crew::Crew;
use crate::stage::Stage;

/// The members of a body, in their order.
const MEMBERS: [&str; 10] =
    ["alert", "agent", "type", "status", "severity", "timestamp", "incident_id", "team", "url", "data"];

/// Agent, type, alert, status, severity, and what `data` must have.
type Kind = (Option<&'static str>, &'static str, &'static str, &'static str, &'static str, &'static [&'static str]);

const KINDS: [Kind; 13] = [
    (
        Some("missed"),
        "schedule.missed",
        "schedule_missed",
        "firing",
        "error",
        &[
            "expected_at",
            "deadline",
            "schedule",
            "timezone",
            "tolerance_s",
            "missed_in_row",
            "folded",
            "next_expected_at",
            "last_success",
            "last_run",
        ],
    ),
    (Some("missed"), "schedule.recovered", "schedule_missed", "resolved", "info", &["resolved_at", "down_s"]),
    (Some("doubtful"), "schedule.unknown", "schedule_unknown", "firing", "info", &["expected_at"]),
    (Some("stuck"), "run.stuck", "run_stuck", "firing", "error", &["run_id", "status"]),
    (Some("stuck"), "run.recovered", "run_stuck", "resolved", "info", &["run_id", "resolved_at", "down_s"]),
    (Some("fails"), "run.failed", "run_failed", "firing", "error", &["run_id", "status"]),
    (Some("fails"), "run.recovered", "run_failed", "resolved", "info", &["run_id", "resolved_at", "down_s"]),
    (Some("checked"), "check.failed", "check_failed", "firing", "warning", &["check", "run_id", "outcome"]),
    (Some("checked"), "check.recovered", "check_failed", "resolved", "info", &["check", "resolved_at", "down_s"]),
    (
        Some("spender"),
        "guard.warning",
        "guard_warning",
        "firing",
        "warning",
        &["rule", "rule_name", "spent_usd", "limit_usd"],
    ),
    (
        Some("spender"),
        "guard.blocked",
        "guard_blocked",
        "firing",
        "warning",
        &["rule", "rule_name", "spent_usd", "limit_usd", "guard_check_id"],
    ),
    (None, "model.unpriced", "unpriced_model", "firing", "warning", &["provider", "model"]),
    (Some("test"), "test", "test", "firing", "info", &[]),
];

/// AC-14, AC-33, AC-44, AC-45, AC-54, and the table of 4.2. Other suites get the others: `agent_limit` and the pause
/// of a team are in `pipeline` (`alerted.rs`); here `spend_anomaly` is in `spend.rs`, `route_disabled` in
/// `retries.rs`, groups in `quiet.rs`, flapping in `flapping.rs`, and the digest in `digests.rs`.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ac_54_each_kind_has_its_message() {
    let stage = Stage::begin().await;
    let crew = stage.crew().await;
    let ops = crew.serves(&stage, &["ops"]).await;
    let limited = stage.crew_on(Plan::Enterprise(Agreed { events_per_month: Some(20), ..Agreed::default() })).await;
    limited.serves(&stage, &["quota"]).await;
    let hourly = json!({"cron": "0 * * * *", "tolerance_s": 600});
    crew.expects("missed", hourly).await;
    crew.expects("stuck", json!({"cron": "0 0 1 1 *", "tolerance_s": 60, "max_runtime_s": 600})).await;
    let asks = json!({"cron": "0 15 * * *", "tolerance_s": 600, "start_unseen": true, "unknown_alerts": true});
    crew.expects("doubtful", asks).await;
    crew.agent("checked", json!({})).await;
    let check = json!({"name": "short", "type": "length", "unit": "characters", "max": 5});
    crew.manage("POST", "/v1/agents/checked/checks", &check).await.expect(201);
    let cap = json!({"name": "cap", "match": {"agent": "spender"}, "spend_of": "agent", "window": "month",
        "limit_usd": 10});
    crew.manage("POST", "/v1/guard/rules", &cap).await.expect(201);

    let tested = crew.manage("POST", &format!("/v1/routes/{ops}/test"), &json!({})).await.expect(200).json();
    assert_eq!(tested["ok"], true, "{tested}");
    let well = crew.report("missed", json!({"cost_usd": 0.25})).await;
    let stuck = crew.start("stuck", stage.now(), json!({})).await;
    crew.report("fails", json!({"status": "fail"})).await;
    crew.report("checked", json!({"output": "much too long"})).await;
    crew.report("spender", json!({"cost_usd": 8})).await;
    for _ in 0..2 {
        unpriced(&stage, &crew).await;
    }
    many(&limited, 16).await;

    stage.to("12:30").await;
    stage.message("/ops", Some("fails"), "run.failed").await;
    stage.message("/ops", Some("stuck"), "run.stuck").await;
    stage.message("/ops", Some("checked"), "check.failed").await;
    stage.message("/ops", Some("spender"), "guard.warning").await;
    percent(&stage, 80, "warning").await;
    crew.report("fails", json!({})).await;
    crew.report("checked", json!({"output": "short"})).await;
    crew.report("spender", json!({"cost_usd": 2})).await;
    crew.finish(&stuck, "success", json!({})).await;
    many(&limited, 4).await;
    let block = blocks(&crew).await;

    stage.to("12:52").await;
    stage.message("/ops", Some("checked"), "check.recovered").await;
    percent(&stage, 100, "warning").await;
    many(&limited, 10).await;

    stage.to("13:12").await;
    let missed = stage.message("/ops", Some("missed"), "schedule.missed").await;
    let last = &missed["data"]["last_success"];
    assert_eq!((&last["run_id"], &last["cost_usd"]), (&json!(well), &json!(0.25)), "AC-54");
    assert_eq!(missed["timestamp"], stage.iso("13:10"));
    percent(&stage, 150, "critical").await;

    stage.to("13:52").await;
    crew.report("missed", json!({})).await;
    stage.to("14:12").await;
    stage.message("/ops", Some("missed"), "schedule.recovered").await;

    // The process is away over a slot.
    stage.target.at_rest().await;
    stage.target.kill().await;
    stage.target.start().await;
    stage.to("15:20").await;
    stage.message("/ops", Some("doubtful"), "schedule.unknown").await;
    for kind in KINDS {
        is_documented(&stage, kind).await;
    }
    let blocked = stage.message("/ops", Some("spender"), "guard.blocked").await;
    assert_eq!(blocked["data"]["guard_check_id"], block.as_str());
    // AC-44: once a month for a model, and once for each mark.
    for (path, kind, times) in [("/ops", "model.unpriced", 1), ("/quota", "quota.reached", 3)] {
        let found = stage.messages(path).into_iter().filter(|body| body["type"] == kind).count();
        assert_eq!(found, times, "{kind}");
    }
}

async fn is_documented(stage: &Stage, (agent, kind, alert, status, severity, data): Kind) {
    let body = stage.message("/ops", agent, kind).await;
    let shown = [&body["alert"], &body["status"], &body["severity"]];
    assert_eq!(shown, [&json!(alert), &json!(status), &json!(severity)], "{body}");
    for member in data {
        assert!(body["data"].get(*member).is_some(), "no {member} in {body}");
    }
    let received = stage.receiver.received("/ops");
    let raw = received.iter().find(|one| one.json() == body).unwrap();
    let raw = String::from_utf8(raw.body.clone()).unwrap();
    assert!(raw.len() <= 20_000 && raw.starts_with(&format!("{{\"alert\":\"{alert}\",\"agent\":")), "{raw}");
    let places: Vec<usize> = MEMBERS.iter().filter_map(|member| raw.find(&format!("\"{member}\":"))).collect();
    assert!(places.is_sorted(), "the members are in order: {raw}");
}

/// A run with a call of a model that has no rate.
async fn unpriced(stage: &Stage, crew: &Crew) {
    let run = crew.start("model", stage.now(), json!({})).await;
    let call = json!({"provider": "acme", "model": "unpriced-1", "input_tokens": 10, "cached_input_tokens": 0,
        "output_tokens": 1});
    crew.event(&run, "llm_call", stage.now(), &call).await;
    crew.finish(&run, "success", json!({"finished_at": iso(stage.now())})).await;
}

async fn many(crew: &Crew, events: usize) {
    for _ in 0..events {
        crew.report("counted", json!({})).await;
    }
}

/// Waits for the message of a mark of the plan.
async fn percent(stage: &Stage, percent: u64, severity: &str) {
    let after = [80, 100, 150].iter().position(|mark| *mark == percent).unwrap();
    let body = stage.nth_message("/quota", None, "quota.reached", after).await;
    let data = &body["data"];
    assert_eq!((&data["percent"], &data["allowance"]), (&json!(percent), &json!(20)), "{body}");
    assert_eq!((&data["events"], &body["severity"]), (&json!(percent / 5), &json!(severity)), "{body}");
}

/// Waits until the rule blocks; returns the id of the check that found it first.
async fn blocks(crew: &Crew) -> String {
    eventually(PATIENCE, "the rule blocks", async || {
        let asked = crew.manage("POST", "/v1/guard/check", &json!({"agent": "spender"})).await.expect(200).json();
        if asked["decision"] == "block" { Ok(text(&asked, "guard_check_id")) } else { Err(asked.to_string()) }
    })
    .await
}
