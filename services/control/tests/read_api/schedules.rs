//! Schedules of agents.

use reqwest::Method;
use serde_json::{Value, json};
use tidegate_agentping_settings::{ScheduleDoc, kinds};
use tidegate_ports::Documents;

use crate::house::*;

const PATH: &str = "/v1/agents/nightly/schedule";

/// AC-17: a schedule is stored with its defaults.
#[tokio::test]
async fn ac_17_a_schedule_is_set_with_its_defaults() {
    let house = House::open().await;
    house.with_agent("nightly", 1).await;
    assert_refusal(&house.get(PATH).await, 404, "not_found", None);
    let wanted = json!({"cron": "30 2 * * *", "timezone": "Europe/Berlin"});
    let put = house.put(PATH, &wanted).await;
    let expected = json!({
        "cron": "30 2 * * *", "timezone": "Europe/Berlin", "tolerance_s": 600, "alert_after": 1, "recover_after": 1,
        "unknown_alerts": false, "start_unseen": false, "enabled": true, "judged_from": NOON,
    });
    assert_eq!(put.ok(), expected);
    let read = house.get(PATH).await;
    assert_eq!((read.ok(), read.etag()), (expected.clone(), put.etag()));
    assert_eq!(house.get("/v1/agents/nightly").await.ok()["schedule"], expected);
    let period = house.put(PATH, &json!({"every_s": 300, "max_runtime_s": 60})).await.ok();
    assert_eq!((&period["every_s"], &period["tolerance_s"], period.get("cron")), (&json!(300), &json!(300), None));
}

/// AC-30: what was set before is kept with the instants at which it held; the same again changes nothing.
#[tokio::test]
async fn ac_30_a_change_holds_from_now_on() {
    let house = House::open().await;
    house.with_agent("nightly", 1).await;
    let first = house.put(PATH, &json!({"cron": "@daily"})).await;
    house.clock.advance_ms(60_000);
    let same = house.put(PATH, &json!({"cron": "@daily", "tolerance_s": 600})).await;
    assert_eq!((same.ok(), same.etag()), (first.ok(), first.etag()));
    let changed = house.put(PATH, &json!({"cron": "@hourly"})).await;
    assert_eq!(changed.ok()["judged_from"], "2026-05-15T12:01:00.000Z");
    assert_ne!(changed.etag(), first.etag());
    house.delete(PATH).await.is_empty_204();
    assert_refusal(&house.delete(PATH).await, 404, "not_found", None);
    assert_refusal(&house.get(PATH).await, 404, "not_found", None);
    let stored = house.documents.get(&team(1).to_string(), kinds::SCHEDULE, "nightly").await.unwrap().unwrap();
    let history: ScheduleDoc = serde_json::from_slice(&stored.doc).unwrap();
    let crons: Vec<_> =
        history.changes.iter().map(|change| change.set.as_ref().and_then(|set| set.cron.clone())).collect();
    assert_eq!(crons, [Some("@daily".into()), Some("@hourly".into()), None]);
}

/// AC-83, and AC-17 with the member to blame.
#[tokio::test]
async fn ac_83_a_schedule_is_changed_on_condition() {
    let house = House::open().await;
    house.with_agent("nightly", 1).await;
    let put = async |tag: &str, cron: &str| {
        house.change_as(KEY_A, Method::PUT, PATH, &json!({"cron": cron}), &[("if-match", tag)]).await
    };
    assert_refusal(&put("*", "@daily").await, 412, "stale", None);
    let first = house.put(PATH, &json!({"cron": "@daily"})).await.etag();
    let second = put(&first, "@hourly").await.etag();
    assert_refusal(&put(&first, "@weekly").await, 412, "stale", None);
    let delete =
        async |tag: &str| house.change_as(KEY_A, Method::DELETE, PATH, &Value::Null, &[("if-match", tag)]).await;
    assert_refusal(&delete(&first).await, 412, "stale", None);
    assert_eq!(house.get(PATH).await.ok()["cron"], "@hourly");
    delete(&second).await.is_empty_204();
}

/// Two changes at once: each is decided from what the other has left.
#[tokio::test]
async fn changes_at_once_are_all_kept() {
    let house = House::open().await;
    house.with_agent("nightly", 1).await;
    let tag = |name: &str| json!({"tags": [name]});
    let (a, b) = (tag("a"), tag("b"));
    let schedule = json!({"cron": "@daily"});
    let (one, two, three) = tokio::join!(
        house.patch("/v1/agents/nightly", &a),
        house.patch("/v1/agents/nightly", &b),
        house.put(PATH, &schedule)
    );
    for answer in [one, two, three] {
        answer.ok();
    }
    let entries = house.get("/v1/audit").await.ok()["entries"].clone();
    assert_eq!(entries.as_array().unwrap().len(), 3, "{entries}");
}
