//! Pauses and mutes: an operator's state, which only an operator ends.

use reqwest::Method;
use serde_json::{Value, json};
use tidegate_agentping_settings::{MuteDoc, kinds};
use tidegate_ports::{DocumentWrite, Documents, Expected};

use crate::house::*;

const PAUSE: &str = "/v1/agents/nightly/pause";
const MUTE: &str = "/v1/agents/nightly/mute";

#[tokio::test]
async fn an_agent_is_paused_until_it_is_resumed() {
    let house = House::open().await;
    house.with_agent("nightly", 1).await;
    let put = house.put(PAUSE, &json!({"note": "runs away"})).await;
    let pause = put.ok();
    let rule = pause["rule_id"].as_str().unwrap();
    assert!(rule.starts_with("grl_eu_") && rule.len() == 39, "{rule}");
    let expected = json!({"rule_id": rule, "paused_at": NOON, "paused_by": key_id(1).to_string(), "note": "runs away"});
    assert_eq!(pause, expected);
    assert_eq!(house.get("/v1/agents/nightly").await.ok()["paused"], true);
    house.clock.advance_ms(1_000);
    let same = house.put(PAUSE, &json!({"note": "runs away"})).await;
    assert_eq!((same.ok(), same.etag()), (expected, put.etag()));
    let longer = house.put(PAUSE, &json!({"until": "2026-05-15T13:00:00Z"})).await.ok();
    let expected = json!({
        "rule_id": rule, "paused_at": NOON, "paused_by": key_id(1).to_string(), "until": "2026-05-15T13:00:00.000Z",
    });
    assert_eq!(longer, expected, "it goes on, from when it began");
    for _ in 0..2 {
        house.delete(PAUSE).await.is_empty_204();
    }
    assert_eq!(house.get("/v1/agents/nightly").await.ok()["paused"], false);
    house.clock.advance_ms(1_000);
    let again = house.put(PAUSE, &Value::Null).await.ok();
    assert_eq!((&again["rule_id"], &again["paused_at"]), (&json!(rule), &json!("2026-05-15T12:00:02.000Z")));
    house.delete("/v1/agents/nobody/pause").await.is_empty_204();
}

#[tokio::test]
async fn a_pause_ends_by_itself() {
    let house = House::open().await;
    house.with_agent("nightly", 1).await;
    house.put(PAUSE, &json!({"until": "2026-05-15T12:00:01Z"})).await.ok();
    house.clock.advance_ms(999);
    assert_eq!(house.get("/v1/agents/nightly").await.ok()["paused"], true);
    house.clock.advance_ms(1);
    assert_eq!(house.get("/v1/agents/nightly").await.ok()["paused"], false);
}

#[tokio::test]
async fn a_team_is_paused_whole() {
    let house = House::open().await;
    house.with_agent("a", 1).await;
    house.with_agent("b", 2).await;
    house.put("/v1/agents/a/pause", &Value::Null).await.ok();
    let pause = house.put("/v1/pause", &json!({})).await.ok();
    assert!(pause["rule_id"].as_str().unwrap().starts_with("grl_eu_"));
    let paused = async || {
        let agents = house.get("/v1/agents").await.ok()["agents"].clone();
        [0, 1].map(|at| agents[at]["paused"].as_bool().unwrap())
    };
    assert_eq!(paused().await, [true, true]);
    house.delete("/v1/pause").await.is_empty_204();
    assert_eq!(paused().await, [true, false], "an agent's own pause stays");
}

/// AC-67: neither reports nor changes of what is set lift a pause or a mute.
#[tokio::test]
async fn ac_67_a_pause_and_a_mute_stay() {
    let house = House::open().await;
    house.with_agent("nightly", 1).await;
    house.put(PAUSE, &Value::Null).await.ok();
    house.put(MUTE, &json!({"until": "2026-05-16T00:00:00Z"})).await.ok();
    house.with_agent("nightly", 2).await;
    house.patch("/v1/agents/nightly", &json!({"description": "x", "routes": null})).await.ok();
    house.put("/v1/agents/nightly/schedule", &json!({"cron": "@daily"})).await.ok();
    house.patch("/v1/team", &json!({"routes": []})).await.ok();
    house.delete("/v1/pause").await.is_empty_204();
    house.delete("/v1/mute").await.is_empty_204();
    let agent = house.get("/v1/agents/nightly").await.ok();
    assert_eq!((&agent["paused"], &agent["muted"]), (&json!(true), &json!(true)));
}

#[tokio::test]
async fn an_agent_is_muted_for_a_while() {
    let house = House::open().await;
    house.with_agent("nightly", 1).await;
    let put = house.put(MUTE, &json!({"until": "2026-05-15T13:00:00Z", "reason": "moving"})).await;
    let by = key_id(1).to_string();
    let expected = json!({"muted_at": NOON, "muted_by": by, "until": "2026-05-15T13:00:00.000Z", "reason": "moving"});
    assert_eq!(put.ok(), expected);
    assert_eq!(house.get("/v1/agents/nightly").await.ok()["muted"], true);
    house.clock.advance_ms(60_000);
    let longer = house.put(MUTE, &json!({"until": "2026-06-14T12:01:00Z"})).await.ok();
    assert_eq!((&longer["muted_at"], &longer["until"]), (&json!(NOON), &json!("2026-06-14T12:01:00.000Z")));
    for _ in 0..2 {
        house.delete(MUTE).await.is_empty_204();
    }
    assert_eq!(house.get("/v1/agents/nightly").await.ok()["muted"], false);
    let stored = house.documents.get(&team(1).to_string(), kinds::MUTE, "agent/nightly").await.unwrap().unwrap();
    let mute: MuteDoc = serde_json::from_slice(&stored.doc).unwrap();
    assert_eq!(mute.unmuted_at, Some(at("2026-05-15T12:01:00Z")), "whoever sends learns when it ended");
    house.put("/v1/mute", &json!({"until": "2026-05-15T13:00:00Z"})).await.ok();
    assert_eq!(house.get("/v1/agents/nightly").await.ok()["muted"], true);
    house.clock.advance_ms(3_600_000);
    assert_eq!(house.get("/v1/agents/nightly").await.ok()["muted"], false);
}

#[tokio::test]
async fn a_route_is_muted_by_its_id() {
    let house = House::open().await;
    let id = "aroute_eu_00000000000000000000000000000001";
    let path = format!("/v1/routes/{id}/mute");
    let until = json!({"until": "2026-05-15T13:00:00Z"});
    assert_refusal(&house.put(&path, &until).await, 404, "not_found", None);
    let doc = Some(json!({"name": "ops"}).to_string().into_bytes());
    let write =
        DocumentWrite { kind: kinds::ROUTE.into(), name: id.into(), expected: Expected::Absent, doc, ends_at: None };
    house.documents.write(&team(1).to_string(), &[write], at(NOON)).await.unwrap();
    let put = house.put(&path, &until).await;
    assert_eq!(put.ok()["until"], "2026-05-15T13:00:00.000Z");
    let others = house.change_as(KEY_B, Method::PUT, &path, &until, &[]).await;
    assert_refusal(&others, 404, "not_found", None);
    let stale = house.change_as(KEY_A, Method::DELETE, &path, &Value::Null, &[("if-match", "\"0\"")]).await;
    assert_refusal(&stale, 412, "stale", None);
    house.delete(&path).await.is_empty_204();
    assert_eq!(house.patch("/v1/team", &json!({"routes": ["ops"]})).await.ok()["routes"], json!(["ops"]));
}

/// AC-83 of pauses and mutes.
#[tokio::test]
async fn ac_83_pauses_and_mutes_are_changed_on_condition() {
    let house = House::open().await;
    house.with_agent("nightly", 1).await;
    let until = json!({"until": "2026-05-15T13:00:00Z"});
    for path in [PAUSE, MUTE, "/v1/pause", "/v1/mute"] {
        let asked = async |method: Method, tag: &str| {
            let body = if method == Method::PUT { until.clone() } else { Value::Null };
            house.change_as(KEY_A, method, path, &body, &[("if-match", tag)]).await
        };
        assert_refusal(&asked(Method::PUT, "*").await, 412, "stale", None);
        let tag = house.put(path, &until).await.etag();
        assert_refusal(&asked(Method::PUT, "\"other\"").await, 412, "stale", None);
        assert_refusal(&asked(Method::DELETE, "\"other\"").await, 412, "stale", None);
        asked(Method::PUT, &tag).await.ok();
        asked(Method::DELETE, &tag).await.is_empty_204();
    }
}
