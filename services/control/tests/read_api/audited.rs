//! Who changed what.

use serde_json::{Value, json};

use crate::house::*;

#[tokio::test]
async fn every_change_is_audited_newest_first() {
    let house = House::open().await;
    let until = json!({"until": "2026-05-15T18:00:00Z"});
    house.post("/v1/agents", &json!({"agent": "a/b"})).await.with(201);
    let step = || house.clock.advance_ms(1_000);
    step();
    house.patch("/v1/agents/a%2Fb", &json!({"description": "do not show"})).await.ok();
    step();
    house.put("/v1/agents/a%2Fb/schedule", &json!({"cron": "@daily"})).await.ok();
    step();
    house.put("/v1/agents/a%2Fb/schedule", &json!({"cron": "@hourly"})).await.ok();
    step();
    house.put("/v1/agents/a%2Fb/pause", &json!({"note": "do not show"})).await.ok();
    step();
    house.put("/v1/agents/a%2Fb/mute", &until).await.ok();
    step();
    house.put("/v1/pause", &Value::Null).await.ok();
    step();
    let token = house.post("/v1/agents/a%2Fb/tokens", &Value::Null).await.with(201);
    step();
    let of_token = format!("/v1/agents/a%2Fb/tokens/{}", token["id"].as_str().unwrap());
    let rotated = house.post(&format!("{of_token}/rotate"), &Value::Null).await.with(201);
    step();
    house.delete(&of_token).await.is_empty_204();
    step();
    house.delete("/v1/pause").await.is_empty_204();
    step();
    house.patch("/v1/team", &json!({"spend": {"sigma": 9}})).await.ok();
    step();
    house.delete("/v1/agents/a%2Fb/schedule").await.is_empty_204();
    step();
    house.delete("/v1/agents/a%2Fb").await.is_empty_204();

    let first = house.get("/v1/audit?limit=9").await.ok();
    let cursor = first["next_cursor"].as_str().unwrap();
    let second = house.get(&format!("/v1/audit?limit=9&cursor={cursor}")).await.ok();
    assert_eq!(second["next_cursor"], Value::Null);
    let entries: Vec<Value> =
        [&first, &second].iter().flat_map(|page| page["entries"].as_array().unwrap().clone()).collect();
    let said: Vec<(&str, &str)> =
        entries.iter().map(|entry| (entry["action"].as_str().unwrap(), entry["what"].as_str().unwrap())).collect();
    let expected = [
        ("agent.delete", "a/b"),
        ("schedule.delete", "a/b"),
        ("team.update", "acme"),
        ("pause.delete", ""),
        ("token.delete", "a/b"),
        ("token.rotate", "a/b"),
        ("token.create", "a/b"),
        ("pause.create", ""),
        ("mute.create", "a/b"),
        ("pause.create", "a/b"),
        ("schedule.update", "a/b"),
        ("schedule.create", "a/b"),
        ("agent.update", "a/b"),
        ("agent.create", "a/b"),
    ];
    assert_eq!(said, expected);
    assert_eq!(entries[13], json!({"at": NOON, "by": key_id(1).to_string(), "action": "agent.create", "what": "a/b"}));
    let text = format!("{first}{second}");
    for secret in [&token["token"], &rotated["token"], &json!(KEY_A), &json!("do not show")] {
        assert!(!text.contains(secret.as_str().unwrap()), "{secret}");
    }
}

#[tokio::test]
async fn entries_end_after_ninety_days() {
    let house = House::open().await;
    house.patch("/v1/team", &json!({"spend": {"sigma": 9}})).await.ok();
    house.clock.advance_ms(90 * 86_400_000 - 1);
    let count = async || house.get("/v1/audit").await.ok()["entries"].as_array().unwrap().len();
    assert_eq!(count().await, 1);
    house.clock.advance_ms(1);
    assert_eq!(count().await, 0);
}
