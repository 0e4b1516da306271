//! The week of `tidegate demo`: it is there, it can be looked at, and a repeat adds nothing.

use serde_json::Value;
use tidegate_kernel::Timestamp;
use tidegate_tests::clock::now_ms;
use tidegate_tests::process::Extra;
use tidegate_tests::{Client, Target, eventually};

use crate::{BINARY, PATIENCE};

/// Runs the command, and returns what it printed.
async fn demo(target: &Target, until: &str) -> String {
    let gate = target.agentgate();
    let words =
        ["demo", "--url", target.ingest(), "--control-url", &target.control, "--agentgate-url", gate, "--until", until];
    let ended = target.command(&words).await;
    let (out, err) = (String::from_utf8_lossy(&ended.stdout), String::from_utf8_lossy(&ended.stderr));
    assert!(ended.status.success(), "{out}\n{err}");
    out.into_owned()
}

/// The key at the end of what was printed.
fn key(printed: &str) -> &str {
    printed.rsplit("shown this once: ").next().unwrap().trim()
}

async fn read(target: &Target, key: &str, path: &str) -> Value {
    Client::default().get(&format!("{}{path}", target.control)).bearer(key).send().await.expect(200).json()
}

/// The same for a test that asks more often than a team may.
async fn try_read(target: &Target, key: &str, path: &str) -> Result<Value, String> {
    let answer = Client::default().get(&format!("{}{path}", target.control)).bearer(key).send().await;
    if answer.status == 429 { Err(answer.text()) } else { Ok(answer.expect(200).json()) }
}

/// What is counted of the team.
async fn counts(target: &Target, key: &str) -> [String; 3] {
    let usage = read(target, key, "/v1/usage").await;
    let spend = read(target, key, "/v1/spend").await;
    let agents = read(target, key, "/v1/agents").await;
    let runs = agents["agents"].as_array().unwrap().iter().map(|agent| format!("{}={}", agent["agent"], agent["runs"]));
    [usage["events"].to_string(), spend["total_usd"].to_string(), runs.collect::<Vec<_>>().join(" ")]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_week_is_sent_and_a_repeat_changes_no_counts() {
    let target = Target::dev_with(BINARY, Extra::default()).await;
    let until = Timestamp::from_millis(now_ms()).to_string();
    let first = demo(&target, &until).await;
    assert!(first.contains("12/12 ") && first.contains("Guard blocks research-agent"), "{first}");
    assert!(first.contains("(0 requests were repeats"), "{first}");
    let key = key(&first).to_owned();
    target.at_rest().await;
    let before = counts(&target, &key).await;
    assert!(before[0].parse::<u64>().unwrap() > 3_000, "{before:?}");

    let failed = read(&target, &key, "/v1/runs?status=failed&limit=50").await;
    assert!(failed["runs"].as_array().unwrap().len() > 15, "{failed}");
    let paused = read(&target, &key, "/v1/agents/sales-outreach").await;
    assert_eq!(paused["paused"], true, "{paused}");
    // All of its models have a rate.
    let priced = read(&target, &key, "/v1/agents/support-triage").await;
    let cost = priced["last_success"]["cost_usd"].as_f64().unwrap();
    assert!(cost > 0.0 && cost < 1.0, "dollars: {priced}");
    let checks = read(&target, &key, "/v1/agents/billing-report/checks").await;
    assert!(checks.to_string().contains("required_fields"), "{checks}");
    eventually(PATIENCE, "one incident is open and others are resolved", async || {
        let incidents = try_read(&target, &key, "/v1/incidents?limit=200").await?;
        let all = incidents["incidents"].as_array().unwrap();
        let of = |status: &str| all.iter().filter(|one| one["status"] == status).count();
        let is_open = all.iter().any(|one| one["agent"] == "data-quality" && one["status"] == "open");
        if is_open && of("resolved") > 0 { Ok(()) } else { Err(incidents.to_string()) }
    })
    .await;

    let second = demo(&target, &until).await;
    assert!(!second.contains("(0 requests were repeats"), "{second}");
    target.at_rest().await;
    assert_eq!(counts(&target, &key).await, before);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_service_it_says_what_to_start() {
    let target = Target::dev_with(BINARY, Extra::default()).await;
    let ended = target.command(&["demo", "--url", "http://127.0.0.1:9", "--control-url", "http://127.0.0.1:9"]).await;
    let err = String::from_utf8_lossy(&ended.stderr);
    assert!(!ended.status.success() && err.contains("does not answer") && err.contains("make run"), "{err}");
    let ended = target.command(&["demo", "--url", "ftp://127.0.0.1"]).await;
    let err = String::from_utf8_lossy(&ended.stderr);
    assert!(!ended.status.success() && err.contains("ftp://127.0.0.1") && err.contains("http://HOST:PORT"), "{err}");
}
