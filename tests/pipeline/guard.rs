//! Guard, checks and jobs through the whole of `tidegate dev`: what is reported is counted, judged, and stops or does not
//! stop what asks (AC-04, AC-07, AC-11, AC-52, AC-90).

use std::process::{Command, Stdio};

use serde_json::{Value, json};
use tidegate_tests::wait::READABLE;
use tidegate_tests::{Plan, Target, Team, eventually};

use crate::{BINARY, PROGRAM};

/// A call to the read API's port with the team's key.
pub async fn control(team: &Team, method: &str, path: &str, body: &Value) -> tidegate_tests::client::Answer {
    let url = format!("{}{path}", team.deployment.control);
    team.client.call(method, &url).bearer(&team.key).json(body).send().await
}

async fn guard(team: &Team, body: &Value) -> Value {
    control(team, "POST", "/v1/guard/check", body).await.expect(200).json()
}

/// Waits until the only rule shows this spend.
async fn spent(team: &Team, usd: &Value) -> Value {
    eventually(READABLE, &format!("{usd} spent"), async || {
        let answer = control(team, "POST", "/v1/guard/check", &json!({"agent": "daily"})).await;
        let shown = if answer.status == 200 { answer.json() } else { serde_json::Value::Null };
        if shown["rules"][0]["spent_usd"] == *usd { Ok(shown) } else { Err(answer.to_string()) }
    })
    .await
}

#[tokio::test]
async fn spend_that_is_reported_blocks_and_a_restart_counts_nothing_twice() {
    let target = Target::own(PROGRAM).await;
    let team = Team::create(target.deployment(), Plan::Team).await;
    let other = Team::create(target.deployment(), Plan::Team).await;
    let rule = json!({"name": "cap", "spend_of": "agent", "window": "month", "limit_usd": 20});
    let rule = control(&team, "POST", "/v1/guard/rules", &rule).await.expect(201).json();
    for cost in ["7.25", "7.25", "5.49"] {
        let cost: Value = serde_json::from_str(cost).unwrap();
        team.heartbeat(&json!({"agent": "daily", "cost_usd": cost})).await.expect(202);
        other.heartbeat(&json!({"agent": "daily", "cost_usd": 1000})).await.expect(202);
    }
    assert_eq!(spent(&team, &json!(19.99)).await["decision"], "allow");
    team.heartbeat(&json!({"agent": "daily", "cost_usd": 0.01})).await.expect(202);
    let blocked = spent(&team, &json!(20)).await;
    assert_eq!((&blocked["decision"], &blocked["blocked_by"]), (&json!("block"), &json!([rule["id"]])));
    assert!(blocked["stale_as_of"].as_str() <= blocked["checked_at"].as_str());
    let total: Value = team.spend().await.json();
    assert_eq!(total["total_usd"], blocked["rules"][0]["spent_usd"]);
    for _ in 0..2 {
        target.deployment().kill().await;
        target.deployment().start().await;
        assert_eq!(spent(&team, &json!(20)).await["decision"], "block");
    }
    let id = blocked["guard_check_id"].as_str().unwrap();
    assert_eq!(team.read(&format!("/v1/guard/checks/{id}")).await.expect(200).json()["rules"], blocked["rules"]);
    assert_eq!(guard(&other, &json!({"agent": "daily"})).await["decision"], "allow");
}

#[tokio::test]
async fn a_pause_blocks_at_once_and_reports_go_on() {
    let target = Target::own(PROGRAM).await;
    let team = Team::create(target.deployment(), Plan::Team).await;
    team.heartbeat(&json!({"agent": "daily"})).await.expect(202);
    eventually(READABLE, "the pause", async || {
        let answer = control(&team, "PUT", "/v1/agents/daily/pause", &json!({})).await;
        if answer.status == 200 { Ok(()) } else { Err(answer.to_string()) }
    })
    .await;
    assert_eq!(guard(&team, &json!({"agent": "daily"})).await["decision"], "block");
    team.heartbeat(&json!({"agent": "daily"})).await.expect(202);
    control(&team, "DELETE", "/v1/agents/daily/pause", &Value::Null).await.expect(204);
    assert_eq!(guard(&team, &json!({"agent": "daily"})).await["decision"], "allow");
}

#[tokio::test]
async fn a_job_reports_itself_and_its_output_is_checked() {
    let target = Target::own(PROGRAM).await;
    let team = Team::create(target.deployment(), Plan::Team).await;
    let token = team.token("nightly").await.token;
    let check = json!({"name": "short", "type": "length", "unit": "characters", "max": 5});
    control(&team, "POST", "/v1/agents/nightly/checks", &check).await.expect(201);
    let (ingest, spool) = (target.deployment().ingest().to_owned(), tempfile::tempdir().unwrap());
    let arguments = ["exec", "--agent", "nightly", "--url", &ingest, "--tail", "--report-within", "60", "--spool"];
    let mut command = Command::new(BINARY);
    command.args(arguments).arg(spool.path()).args(["--", "/bin/sh", "-c", "echo $AGENTPING_PARENT_RUN; exit 3"]);
    command.env("AGENTPING_API_KEY", &token).stdin(Stdio::null());
    let ran = tokio::task::spawn_blocking(move || command.output()).await.unwrap().unwrap();
    assert_eq!((ran.status.code(), String::from_utf8_lossy(&ran.stderr).into_owned()), (Some(3), String::new()));
    let id = String::from_utf8(ran.stdout).unwrap().trim().to_owned();
    let run = team.stored_when(&id, "its end", |run| run["status"] == "failed").await;
    assert_eq!((&run["agent"], &run["output"]), (&json!("nightly"), &json!(format!("{id}\n"))));
    assert_eq!(run["metadata"], json!({"exit_code": 3}));
    assert!(run["duration_ms"].is_u64());
    // A run that succeeds is checked once half a minute has passed.
    let said = json!({"agent": "nightly", "output": "too long an output"});
    let id = team.heartbeat(&said).await.expect(202).json()["id"].as_str().unwrap().to_owned();
    team.stored_run(&id).await;
    target.deployment().set_clock(60_000).await;
    let results = eventually(READABLE, "the check's result", async || {
        let answer = team.read(&format!("/v1/runs/{id}/checks")).await.expect(200);
        let results = answer.json();
        if results["results"] == json!([]) { Err(answer.to_string()) } else { Ok(results["results"].clone()) }
    })
    .await;
    assert_eq!((&results[0]["outcome"], &results[0]["got"]), (&json!("fail"), &json!(18)));
    let run = team.read(&format!("/v1/runs/{id}")).await.expect(200).json();
    assert_eq!((&run["status"], &run["checks_passed"]), (&json!("success"), &json!(false)));
    assert_eq!(team.spend().await.json().get("cost_per_successful_run"), None);
}
