//! Checks over HTTP: made, changed, tried, and what they say of runs.

use std::sync::Arc;

use reqwest::Method;
use serde_json::{Value, json};
use tidegate_agentping::{FinishStatus, Plan, RunKey};
use tidegate_agentping_checks::rows::{RunChecks, failed_key, result_key, summary_key};
use tidegate_kernel::Month;
use tidegate_ports::{Clock, RowKey, RowWrite, Rows};

use crate::house::*;

const CHECKS: &str = "/v1/agents/nightly/checks";

fn check() -> Value {
    json!({"name": "short", "type": "length", "unit": "characters", "max": 10})
}

impl House {
    async fn row(&self, key: RowKey, doc: &Value) {
        let doc = Some(serde_json::to_vec(doc).unwrap());
        self.rows.put(Arc::new(vec![RowWrite { key, rank: 1, doc }]), self.clock.now()).await.unwrap();
    }

    async fn made(&self, members: &Value) -> Value {
        self.post(CHECKS, members).await.with(201)
    }
}

#[tokio::test]
async fn ac_51_a_check_is_made_changed_and_deleted() {
    let house = House::open().await;
    house.with_agent("nightly", 1).await;
    let made = house.post(CHECKS, &check()).await;
    let view = made.with(201);
    let id = view["id"].as_str().unwrap();
    let expected = json!({
        "id": id, "agent": "nightly", "version": 1, "created_at": NOON, "name": "short", "enabled": true,
        "when": "success", "alert_after": 1, "type": "length", "unit": "characters", "max": 10,
    });
    assert_eq!(view, expected);
    assert!(id.starts_with("chk_eu_"));
    assert_eq!(house.get(CHECKS).await.ok(), json!({"checks": [expected], "next_cursor": null}));
    let path = format!("/v1/checks/{id}");
    let read = house.get(&path).await;
    assert_eq!((read.ok(), read.etag()), (expected.clone(), made.etag()));
    assert_eq!(house.patch(&path, &json!({"max": 10})).await.ok()["version"], 1);
    let changed = house.patch(&path, &json!({"max": 20, "alert_after": 3})).await.ok();
    assert_eq!((&changed["version"], &changed["max"], &changed["alert_after"]), (&json!(2), &json!(20), &json!(3)));
    let stale = house.change_as(KEY_A, Method::PATCH, &path, &json!({"max": 6}), &[("if-match", &made.etag())]).await;
    assert_refusal(&stale, 412, "stale", None);
    assert_refusal(&house.post(CHECKS, &check()).await, 409, "name_taken", Some("name"));
    house.with_agent("other", 2).await;
    house.post("/v1/agents/other/checks", &check()).await.with(201);
    assert_eq!(house.get(CHECKS).await.ok()["checks"].as_array().unwrap().len(), 1);
    house.delete(&path).await.is_empty_204();
    assert_refusal(&house.delete(&path).await, 404, "not_found", None);
    house.post(CHECKS, &check()).await.with(201);
}

/// AC-46, and what the body may not say.
#[tokio::test]
async fn ac_46_bad_checks_and_those_of_other_plans_are_refused() {
    let house = House::open().await;
    house.with_agent("nightly", 1).await;
    let id = house.made(&check()).await["id"].as_str().unwrap().to_owned();
    let path = format!("/v1/checks/{id}");
    let trial = format!("{path}/try");
    let (invalid, unknown) = ("invalid_field", "unknown_field");
    for (method, path, body, code, field) in [
        (Method::POST, CHECKS, json!({}), invalid, Some("type")),
        (Method::POST, CHECKS, json!([]), invalid, Some("type")),
        (Method::POST, CHECKS, json!({"type": "length", "unit": "characters", "max": 1}), invalid, Some("name")),
        (Method::POST, CHECKS, json!({"name": "x", "type": "llm"}), invalid, Some("type")),
        (
            Method::POST,
            CHECKS,
            json!({"name": "x", "type": "regex", "pattern": "(", "must": "match"}),
            invalid,
            Some("pattern"),
        ),
        (
            Method::POST,
            CHECKS,
            json!({"name": "x", "type": "length", "unit": "characters", "max": 1, "pattern": "x"}),
            unknown,
            Some("pattern"),
        ),
        (
            Method::POST,
            CHECKS,
            json!({"name": "x", "type": "json_schema", "schema": {"$ref": "http://a/b"}}),
            invalid,
            Some("schema.$ref"),
        ),
        (Method::PATCH, path.as_str(), json!({"version": 9}), unknown, Some("version")),
        (Method::PATCH, &path, json!({"max": null}), invalid, Some("min")),
        (Method::PATCH, &path, json!([]), invalid, None),
        (Method::POST, &trial, json!({}), invalid, Some("run_id")),
        (Method::POST, &trial, json!({"run_id": "run_eu_1"}), invalid, Some("run_id")),
        (
            Method::POST,
            &trial,
            json!({"run_id": run_id(1), "definition": {"max": "x"}}),
            invalid,
            Some("definition.max"),
        ),
        (Method::POST, &trial, json!({"run_id": run_id(1), "more": 1}), unknown, Some("more")),
    ] {
        assert_refusal(&house.change(method, path, &body).await, 400, code, field);
    }
    let unknown_agent = house.post("/v1/agents/none/checks", &check()).await;
    assert_refusal(&unknown_agent, 404, "not_found", None);
    for (method, path) in
        [(Method::POST, CHECKS), (Method::PATCH, path.as_str()), (Method::DELETE, &path), (Method::POST, &trial)]
    {
        assert_refusal(&house.change_as(KEY_READS, method, path, &check(), &[]).await, 403, "read_only", None);
    }
    for (method, path) in
        [(Method::GET, path.as_str()), (Method::PATCH, &path), (Method::DELETE, &path), (Method::POST, &trial)]
    {
        assert_refusal(&house.change_as(KEY_B, method, path, &json!({}), &[]).await, 404, "not_found", None);
    }
    let mut callers = Callers::two_teams();
    for caller in callers.0.values_mut().flatten() {
        caller.plan = Plan::Starter;
    }
    let starter = House::with_callers(callers).await;
    starter.with_agent("nightly", 1).await;
    let refused = starter.post(CHECKS, &json!({"name": "x", "type": "tool_call", "tool": "t", "made": true})).await;
    assert_refusal(&refused, 400, "plan_required", Some("type"));
    assert!(refused.message().contains("team"), "{}", refused.message());
    let pattern = json!({"name": "x", "type": "regex", "pattern": "x".repeat(201), "must": "match"});
    assert_refusal(&starter.post(CHECKS, &pattern).await, 400, "plan_required", Some("pattern"));
}

#[tokio::test]
async fn an_agent_has_twenty_checks_at_most() {
    let house = House::open().await;
    house.with_agent("nightly", 1).await;
    for number in 0..20 {
        house.made(&json!({"name": number.to_string(), "type": "length", "unit": "characters", "max": 1})).await;
    }
    assert_refusal(&house.post(CHECKS, &check()).await, 400, "invalid_field", None);
}

#[tokio::test]
async fn a_trial_says_what_a_check_would_say_and_stores_nothing() {
    let house = House::open().await;
    house.tell(team(1), run_id(1), start("nightly", NOON)).await;
    house.tell(team(1), run_id(1), event(1, "tool_call", NOON, r#"{"tool":"search","status":"ok"}"#)).await;
    house.tell(team(1), run_id(1), finish(FinishStatus::Success, NOON).output(r#""twelve chars""#)).await;
    let id = house.made(&check()).await["id"].as_str().unwrap().to_owned();
    let trial = format!("/v1/checks/{id}/try");
    let failed = house.post(&trial, &json!({"run_id": run_id(1)})).await.ok();
    let expected = json!({
        "check": id, "version": 1, "run": run_id(1), "outcome": "fail", "expected": "at most 10 characters", "got": 12,
        "at": NOON,
    });
    assert_eq!(failed, expected);
    let other = json!({"run_id": run_id(1), "definition": {"max": 12}});
    assert_eq!(house.post(&trial, &other).await.ok()["outcome"], "pass");
    let typed = json!({"run_id": run_id(1), "definition": {"type": "tool_call", "tool": "search", "made": true}});
    let said = house.post(&trial, &typed).await.ok();
    assert_eq!((&said["outcome"], &said["got"]), (&json!("pass"), &json!(1)));
    assert_eq!(house.get(&format!("/v1/checks/{id}")).await.ok()["version"], 1);
    let results = house.get(&format!("/v1/runs/{}/checks", run_id(1))).await.ok();
    assert_eq!(results, json!({"results": [], "final": false}));
    assert_refusal(&house.post(&trial, &json!({"run_id": run_id(2)})).await, 404, "not_found", None);
}

/// AC-52; and `checks_passed` on runs.
#[tokio::test]
async fn ac_52_runs_and_spend_say_what_the_checks_came_to() {
    let house = House::open().await;
    for number in [1, 2, 3, 4] {
        let run = run_id(number);
        house.tell(team(1), run, start("nightly", NOON)).await;
        house.tell(team(1), run, call(number * 10, NOON, "a-model", Some("1"))).await;
        let status = if number == 4 { FinishStatus::Failed } else { FinishStatus::Success };
        house.tell(team(1), run, finish(status, NOON)).await;
    }
    let key = |number| RunKey { team: team(1), run: run_id(number) };
    let before = house.get("/v1/spend").await.ok();
    assert_eq!(before["cost_per_successful_run"], json!(1.333333333));
    let result = json!({
        "id": "chkr_eu_1", "check": "chk_eu_1", "version": 1, "run": run_id(1), "outcome": "fail", "expected": "x",
        "got": null, "at": NOON,
    });
    house.row(result_key(key(1), "chk_eu_1"), &result).await;
    let summary = |passed| serde_json::to_value(RunChecks { passed, is_final: true }).unwrap();
    house.row(summary_key(key(1)), &summary(Some(false))).await;
    house.row(failed_key(key(1), Month::of(at(NOON))), &json!({})).await;
    house.row(summary_key(key(2)), &summary(Some(true))).await;
    house.row(summary_key(key(3)), &summary(None)).await;
    let results = house.get(&format!("/v1/runs/{}/checks", run_id(1))).await.ok();
    assert_eq!(results, json!({"results": [result], "final": true}));
    let expected = [(1, json!(false)), (2, json!(true)), (3, Value::Null), (4, Value::Null)];
    let listed = house.get("/v1/runs").await.ok()["runs"].clone();
    for (number, passed) in expected {
        let run = house.get(&format!("/v1/runs/{}", run_id(number))).await.ok();
        assert_eq!(run.get("checks_passed").unwrap_or(&Value::Null), &passed, "{number}");
        let listed = listed.as_array().unwrap().iter().find(|run| run["id"] == json!(run_id(number))).unwrap();
        assert_eq!(listed.get("checks_passed").unwrap_or(&Value::Null), &passed, "{number}");
    }
    for (query, numbers) in
        [("true", vec![2]), ("false", vec![1]), ("false&status=failed", vec![]), ("true&limit=1", vec![2])]
    {
        let list = house.get(&format!("/v1/runs?checks_passed={query}")).await.ok();
        let ids: Vec<&Value> = list["runs"].as_array().unwrap().iter().map(|run| &run["id"]).collect();
        let expected: Vec<Value> = numbers.into_iter().map(|number| json!(run_id(number))).collect();
        assert_eq!(ids, expected.iter().collect::<Vec<_>>(), "{query}");
    }
    assert_refusal(&house.get("/v1/runs?checks_passed=no").await, 400, "invalid_field", Some("checks_passed"));
    let after = house.get("/v1/spend").await.ok();
    assert_eq!((&after["total_usd"], &after["cost_per_successful_run"]), (&json!(4), &json!(2)));
    assert_eq!(house.get("/v1/spend?month=2026-04").await.ok().get("cost_per_successful_run"), None);
    let other = house.get_as(Some(KEY_B), &format!("/v1/runs/{}/checks", run_id(1))).await;
    assert_refusal(&other, 404, "not_found", None);
    assert_refusal(&house.get("/v1/runs/x/checks").await, 400, "invalid_id", Some("id"));
}
