//! Guard's rules: made, read, changed, deleted, and what is refused.

use reqwest::Method;
use serde_json::{Value, json};

use crate::house::*;

const RULES: &str = "/v1/guard/rules";

fn rule() -> Value {
    json!({"name": "daily cap", "spend_of": "agent", "window": "day", "limit_usd": 20.35, "match": {"agent": "*"}})
}

#[tokio::test]
async fn a_rule_is_made_read_changed_and_deleted() {
    let house = House::open().await;
    let made = house.post(RULES, &rule()).await;
    let view = made.with(201);
    let id = view["id"].as_str().unwrap();
    assert!(id.starts_with("grl_eu_"), "{id}");
    let expected = json!({
        "id": id, "name": "daily cap", "enabled": true, "match": {"agent": "*"}, "spend_of": "agent", "window": "day",
        "limit_usd": 20.35, "action": "block", "created_at": NOON,
    });
    assert_eq!(view, expected);
    let path = format!("{RULES}/{id}");
    let read = house.get(&path).await;
    assert_eq!((read.ok(), read.etag()), (expected.clone(), made.etag()));
    let listed = house.get(RULES).await.ok();
    assert_eq!(listed, json!({"rules": [expected], "next_cursor": null}));
    let changed = house.patch(&path, &json!({"limit_usd": 5, "match": null, "name": "small cap"})).await;
    let view = changed.ok();
    assert_eq!((&view["limit_usd"], &view["match"], &view["name"]), (&json!(5), &json!({}), &json!("small cap")));
    assert_ne!(changed.etag(), made.etag());
    let stale =
        house.change_as(KEY_A, Method::PATCH, &path, &json!({"limit_usd": 6}), &[("if-match", &made.etag())]).await;
    assert_refusal(&stale, 412, "stale", None);
    assert_eq!(house.get(&path).await.ok(), view);
    let stale = house.change_as(KEY_A, Method::DELETE, &path, &Value::Null, &[("if-match", &made.etag())]).await;
    assert_refusal(&stale, 412, "stale", None);
    house.delete(&path).await.is_empty_204();
    assert_refusal(&house.delete(&path).await, 404, "not_found", None);
    assert_refusal(&house.get(&path).await, 404, "not_found", None);
    let entries = house.get("/v1/audit").await.ok()["entries"].clone();
    let actions: Vec<(&str, &str)> = entries
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| (entry["action"].as_str().unwrap(), entry["what"].as_str().unwrap()))
        .collect();
    for entry in [("rule.create", "daily cap"), ("rule.update", "small cap"), ("rule.delete", "small cap")] {
        assert!(actions.contains(&entry), "{actions:?}");
    }
}

#[tokio::test]
async fn a_name_is_one_of_its_kind_and_free_again() {
    let house = House::open().await;
    let first = house.post(RULES, &rule()).await.with(201)["id"].as_str().unwrap().to_owned();
    assert_refusal(&house.post(RULES, &rule()).await, 409, "name_taken", Some("name"));
    let mut other = rule();
    other["name"] = json!("other");
    let second = house.post(RULES, &other).await.with(201)["id"].as_str().unwrap().to_owned();
    let taken = house.patch(&format!("{RULES}/{second}"), &json!({"name": "daily cap"})).await;
    assert_refusal(&taken, 409, "name_taken", Some("name"));
    house.patch(&format!("{RULES}/{first}"), &json!({"name": "renamed"})).await.ok();
    house.patch(&format!("{RULES}/{second}"), &json!({"name": "daily cap"})).await.ok();
    house.delete(&format!("{RULES}/{second}")).await.is_empty_204();
    house.post(RULES, &rule()).await.with(201);
    let of_b = house.change_as(KEY_B, Method::POST, RULES, &rule(), &[]).await;
    of_b.with(201);
    let names: Vec<Value> =
        house.get(RULES).await.ok()["rules"].as_array().unwrap().iter().map(|rule| rule["name"].clone()).collect();
    assert_eq!(names, [json!("daily cap"), json!("renamed")]);
    let page = house.get(&format!("{RULES}?limit=1")).await.ok();
    let cursor = page["next_cursor"].as_str().unwrap();
    let next = house.get(&format!("{RULES}?limit=1&cursor={cursor}")).await.ok();
    assert_eq!((&next["rules"][0]["name"], &next["next_cursor"]), (&json!("renamed"), &Value::Null));
}

#[tokio::test]
async fn bad_rules_are_refused_and_change_nothing() {
    let house = House::open().await;
    let id = house.post(RULES, &rule()).await.with(201)["id"].as_str().unwrap().to_owned();
    let path = format!("{RULES}/{id}");
    let before = house.get(RULES).await.ok();
    let with = |member: &str, value: Value| {
        let mut given = rule();
        given["name"] = json!("new");
        given[member] = value;
        given
    };
    let (invalid, unknown) = ("invalid_field", "unknown_field");
    for (method, path, body, code, field) in [
        (Method::POST, RULES, json!([]), invalid, None),
        (Method::POST, RULES, Value::Null, "invalid_json", None),
        (Method::POST, RULES, json!({}), invalid, Some("name")),
        (Method::POST, RULES, with("name", json!(" x")), invalid, Some("name")),
        (Method::POST, RULES, with("id", json!(id)), unknown, Some("id")),
        (Method::POST, RULES, with("limit_usd", json!(0)), invalid, Some("limit_usd")),
        (Method::POST, RULES, with("limit_usd", json!("5")), invalid, Some("limit_usd")),
        (Method::POST, RULES, with("window", json!("hours:745")), invalid, Some("window")),
        (Method::POST, RULES, with("spend_of", json!("all")), invalid, Some("spend_of")),
        (Method::POST, RULES, with("action", json!("stop")), invalid, Some("action")),
        (Method::POST, RULES, with("match", json!({"agent": ""})), invalid, Some("match.agent")),
        (Method::POST, RULES, with("match", json!({"team": "x"})), unknown, Some("match.team")),
        (Method::POST, RULES, with("enabled", json!(1)), invalid, Some("enabled")),
        (Method::PATCH, &path, json!({"window": null}), invalid, Some("window")),
        (Method::PATCH, &path, json!({"limit_usd": -1}), invalid, Some("limit_usd")),
        (Method::PATCH, &path, json!({"created_at": NOON}), unknown, Some("created_at")),
        (Method::PATCH, &path, json!("x"), invalid, None),
    ] {
        let answer = house.change(method, path, &body).await;
        assert_refusal(&answer, 400, code, field);
    }
    assert_eq!(house.get(RULES).await.ok(), before);
    for key in [KEY_READS] {
        for (method, path) in [(Method::POST, RULES), (Method::PATCH, path.as_str()), (Method::DELETE, &path)] {
            assert_refusal(&house.change_as(key, method, path, &rule(), &[]).await, 403, "read_only", None);
        }
    }
    // Another team's rule is as good as none (AC-82).
    for (method, body) in [(Method::GET, Value::Null), (Method::PATCH, json!({})), (Method::DELETE, Value::Null)] {
        assert_refusal(&house.change_as(KEY_B, method, &path, &body, &[]).await, 404, "not_found", None);
    }
    for id in ["grl_eu_1", "chk_eu_019e2c4f7a3b7c1d8e5fa0b1c2d3e4f5", "a%2Fb", "%00"] {
        let answer = house.get(&format!("{RULES}/{id}")).await;
        assert_refusal(&answer, 404, "not_found", None);
    }
    assert_eq!(house.get(RULES).await.ok(), before);
}
