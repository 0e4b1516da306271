//! Receipts: what is taken in has one, nothing else has, and with it the team looks up what became of the record.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use tidegate_tests::wait::READABLE;
use tidegate_tests::{Answer, Plan, Target, Team, eventually, wire};

use crate::PROGRAM;

/// The receipt that an answer carries.
#[track_caller]
pub fn of(answer: &Answer) -> String {
    let receipt = answer.header("x-tidegate-receipt").unwrap_or_else(|| panic!("no receipt: {answer}"));
    let hex = receipt.strip_prefix("rcp_eu_").unwrap_or_else(|| panic!("no receipt of eu: {receipt}"));
    let digits = hex.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte));
    assert!(hex.len() == 86 && digits, "{receipt}");
    receipt.to_owned()
}

#[track_caller]
fn none(answer: Answer, status: u16) {
    let answer = answer.expect(status);
    assert_eq!(answer.header("x-tidegate-receipt"), None, "{answer}");
}

/// What control says of a receipt.
pub async fn asked(team: &Team, receipt: &str) -> Value {
    let told = team.read(&format!("/v1/receipts/{receipt}")).await.expect(200).json();
    assert_eq!(told["receipt"], receipt);
    told
}

/// Waits until the record is in this state.
pub async fn becomes(team: &Team, receipt: &str, state: &str) -> Value {
    eventually(READABLE, &format!("{receipt} is {state}"), async || match asked(team, receipt).await {
        told if told["state"] == state => Ok(told),
        told => Err(told.to_string()),
    })
    .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_taken_in_has_a_receipt_and_nothing_else_has() {
    let target = Target::shared(PROGRAM).await;
    let team = Team::create(target.deployment(), Plan::UNLIMITED).await;
    let (run, event, beat, pinged) = (team.run_id(), team.event_id(), team.run_id(), team.run_id());
    let start = wire::with(wire::start(&run, "a"), "idle_timeout_seconds", json!(600));
    let (one, two) = (wire::log_event(&event), wire::log_event(&team.event_id()));
    let beat = json!({"id": beat, "agent": "a"});
    let ping = [("agent", "a"), ("id", pinged.as_str())];
    let mut receipts = Vec::new();

    receipts.push(of(&team.start(&start).await.expect(202)));
    receipts.push(of(&team.batch(&run, std::slice::from_ref(&one)).await.expect(202)));
    // A repeated start of a run with an idle rule goes on the log as a sign of life; even so it is a repeat.
    none(team.start(&start).await, 200);
    none(team.batch(&run, std::slice::from_ref(&one)).await, 200);
    receipts.push(of(&team.batch(&run, &[one, two]).await.expect(202)));
    receipts.push(of(&team.finish(&run, &wire::finish()).await.expect(202)));
    none(team.finish(&run, &wire::finish()).await, 200);
    receipts.push(of(&team.heartbeat(&beat).await.expect(202)));
    none(team.heartbeat(&beat).await, 200);
    receipts.push(of(&team.ping(&ping).await.expect(200)));
    none(team.ping(&ping).await, 200);
    let as_json = team.ping_call(&[("agent", "a")]).header("Accept", "application/json");
    receipts.push(of(&as_json.send().await.expect(200)));

    none(team.start(&wire::with(start, "agent", json!("b"))).await, 409);
    none(team.start(&json!({"agent": 7})).await, 400);
    none(team.ping(&[]).await, 400);
    none(team.bare("POST", "/v1/heartbeats").json(&beat).send().await, 401);
    none(team.call("GET", "/openapi.json").send().await, 200);

    let distinct: BTreeSet<&String> = receipts.iter().collect();
    assert_eq!(distinct.len(), receipts.len(), "{receipts:?}");
    let mut places = BTreeSet::new();
    for receipt in &receipts {
        let told = becomes(&team, receipt, "stored").await;
        assert_eq!((told.get("reason"), told.get("run")), (None, None), "{told}");
        assert!(places.insert(told["position"].to_string()), "two receipts of one place: {told}");
    }
    team.run_with_events(&run, 2).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_receipt_is_its_teams_own() {
    let target = Target::shared(PROGRAM).await;
    let team = Team::create(target.deployment(), Plan::UNLIMITED).await;
    let other = Team::create(target.deployment(), Plan::UNLIMITED).await;
    let receipt = of(&team.heartbeat(&json!({"agent": "a"})).await.expect(202));
    becomes(&team, &receipt, "stored").await;
    let path = format!("/v1/receipts/{receipt}");
    let refused = other.read(&path).await.refused(404, "not_found", None);
    assert!(!refused.text().contains(&team.id), "{refused}");
    let unsigned = team.client.get(&format!("{}{path}", target.control));
    unsigned.send().await.refused(401, "invalid_credential", None);
    let token = team.token("a").await;
    let asked = team.client.get(&format!("{}{path}", target.control)).bearer(&token.token);
    asked.send().await.refused(401, "scope_violation", None);

    let last = if receipt.ends_with('0') { "1" } else { "0" };
    let mistyped = format!("{}{last}", &receipt[..receipt.len() - 1]);
    for (malformed, code) in [
        (mistyped, "invalid_id"),
        (receipt.to_uppercase(), "invalid_id"),
        (receipt.replace("_eu_", "_us_"), "invalid_id"),
        (receipt.replace("_eu_", "_fr_"), "unknown_region"),
        ("rcp_eu_1".to_owned(), "invalid_id"),
    ] {
        team.read(&format!("/v1/receipts/{malformed}")).await.refused(400, code, Some("receipt"));
    }
}
