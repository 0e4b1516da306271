//! When a schedule would expect runs, asked before it is any agent's.

use serde_json::{Value, json};

use crate::house::*;

const PATH: &str = "/v1/schedules/preview";

fn slots(answer: &Answer) -> Vec<(String, String)> {
    let slot = |slot: &Value| (slot["at"].as_str().unwrap().to_owned(), slot["local"].as_str().unwrap().to_owned());
    answer.ok()["slots"].as_array().unwrap().iter().map(slot).collect()
}

/// AC-29, AC-40: the slots of a night on which a clock is put forward, and their windows.
#[tokio::test]
async fn ac_40_the_next_slots_and_their_windows() {
    let house = House::open().await;
    let schedule = json!({"cron": "30 2 * * *", "timezone": "Europe/Berlin", "tolerance_s": 900});
    let asked = json!({"schedule": schedule, "after": "2026-03-28T00:00:00Z", "count": 3});
    let answer = house.post(PATH, &asked).await;
    let expected = [
        ("2026-03-28T01:30:00.000Z", "2026-03-28T02:30:00+01:00"),
        ("2026-03-29T01:00:00.000Z", "2026-03-29T03:00:00+02:00"),
        ("2026-03-30T00:30:00.000Z", "2026-03-30T02:30:00+02:00"),
    ];
    assert_eq!(slots(&answer), expected.map(|(at, local)| (at.to_owned(), local.to_owned())));
    let first = answer.ok()["slots"][0].clone();
    assert_eq!(first["window_from"], "2026-03-28T01:15:00.000Z");
    assert_eq!(first["deadline"], "2026-03-28T01:45:00.000Z");
}

/// AC-29: a night on which it is put back, by fixed time and by any hour.
#[tokio::test]
async fn ac_29_a_repeated_hour() {
    let house = House::open().await;
    let on = async |cron: &str| {
        let schedule = json!({"cron": cron, "timezone": "Europe/Berlin"});
        let asked = json!({"schedule": schedule, "after": "2026-10-24T21:59:59Z", "count": 100});
        let all = slots(&house.post(PATH, &asked).await);
        all.into_iter().filter(|(_, local)| local.starts_with("2026-10-25")).map(|(at, _)| at).collect::<Vec<_>>()
    };
    assert_eq!(on("30 2 * * *").await, ["2026-10-25T00:30:00.000Z"]);
    assert_eq!(on("0 * * * *").await.len(), 25);
}

#[tokio::test]
async fn five_slots_from_now_unless_asked_otherwise() {
    let house = House::open().await;
    let five = slots(&house.post(PATH, &json!({"schedule": {"cron": "@hourly"}})).await);
    assert_eq!(five.len(), 5);
    assert_eq!(five[0], ("2026-05-15T13:00:00.000Z".to_owned(), "2026-05-15T13:00:00+00:00".to_owned()));
    let hundred = house.post(PATH, &json!({"schedule": {"every_s": 60}, "count": 100})).await;
    assert_eq!(slots(&hundred).len(), 100);
    assert_eq!(slots(&hundred)[99].0, "2026-05-15T13:40:00.000Z");
}

/// AC-17: the refusals that a schedule would get when it is put.
#[tokio::test]
async fn ac_17_a_fault_names_its_member() {
    let house = House::open().await;
    for (asked, code, field) in [
        (json!({"schedule": {"cron": "0 0 2 * * *"}}), "invalid_field", Some("schedule.cron")),
        (json!({"schedule": {"cron": "0 0 30 2 *"}}), "invalid_field", Some("schedule.cron")),
        (json!({"schedule": {}}), "invalid_field", Some("schedule.cron")),
        (json!({"schedule": {"cron": "@daily", "every_s": 60}}), "invalid_field", Some("schedule.cron")),
        (json!({"schedule": {"cron": "@daily", "timezone": "Mars/Base"}}), "invalid_field", Some("schedule.timezone")),
        (json!({"schedule": {"cron": "@daily", "tolerance_s": 59}}), "invalid_field", Some("schedule.tolerance_s")),
        (json!({"schedule": {"cron": "@daily", "grace_s": 60}}), "unknown_field", Some("schedule.grace_s")),
        (json!({"schedule": "@daily"}), "invalid_field", Some("schedule")),
        (json!({}), "invalid_field", Some("schedule")),
        (json!({"schedule": {"cron": "@daily"}, "count": 0}), "invalid_field", Some("count")),
        (json!({"schedule": {"cron": "@daily"}, "count": 101}), "invalid_field", Some("count")),
        (json!({"schedule": {"cron": "@daily"}, "after": "tomorrow"}), "invalid_field", Some("after")),
        (json!({"schedule": {"cron": "@daily"}, "before": "x"}), "unknown_field", Some("before")),
        (json!([]), "invalid_field", None),
    ] {
        assert_refusal(&house.post(PATH, &asked).await, 400, code, field);
    }
    let message = house.post(PATH, &json!({"schedule": {"cron": "0 0 2 * * *"}})).await.message();
    let expected =
        "Field 'schedule.cron' must have 5 fields (minute, hour, day of month, month, day of week); it has 6.";
    assert_eq!(message, expected);
}

#[tokio::test]
async fn a_body_that_cannot_be_read_is_refused() {
    let house = House::open().await;
    for body in ["", "{", "nothing", "{\"schedule\": }", "\u{0}"] {
        assert_refusal(&house.post_as(Some(KEY_A), PATH, body).await, 400, "invalid_json", None);
    }
    let deep = "[".repeat(5_000);
    assert_refusal(&house.post_as(Some(KEY_A), PATH, deep).await, 400, "invalid_json", None);
    let large = house.post_as(Some(KEY_A), PATH, " ".repeat(100_000)).await;
    assert_refusal(&large, 413, "payload_too_large", None);
    let asked = json!({"schedule": {"cron": "@daily"}}).to_string();
    assert_refusal(&house.post_as(None, PATH, asked.clone()).await, 401, "invalid_credential", None);
    assert_refusal(&house.post_as(Some(TOKEN_A), PATH, asked.clone()).await, 401, "scope_violation", None);
    assert_refusal(
        &house.post_as(Some(KEY_A), "/v1/schedules/preview?count=3", asked).await,
        400,
        "unknown_field",
        Some("count"),
    );
}
