//! Ping tokens: made, shown once, rotated, revoked.

use std::sync::Arc;

use serde_json::{Value, json};
use tidegate_agentping::{Credential, Scope};
use tidegate_agentping_ports::token_uses::token_use;
use tidegate_agentping_ports::{CredentialRecord, Credentials};
use tidegate_ports::Rows;

use crate::house::*;

const PATH: &str = "/v1/agents/nightly/tokens";

async fn found(house: &House, token: &Value) -> Option<CredentialRecord> {
    let hash = Credential::parse(token.as_str().unwrap()).unwrap().hash();
    house.registry.find(&hash).await.unwrap()
}

/// AC-74, AC-84: the calls to paste have the whole token, and no other answer has any of it but its end.
#[tokio::test]
async fn ac_84_a_token_is_shown_once() {
    let house = House::open().await;
    house.with_agent("nightly", 1).await;
    let made = house.post_as(Some(KEY_A), PATH, "").await.with(201);
    let token = made["token"].as_str().unwrap();
    assert!(token.starts_with("ping_eu_") && token.len() == 40, "{token}");
    let url = "https://eu.example/v1/ping";
    assert_eq!(made["curl"], format!("curl -fsS '{url}?key={token}&agent=nightly'"));
    assert_eq!(made["curl_header"], format!("curl -fsS -H 'X-AgentPing-Key: {token}' '{url}?agent=nightly'"));
    assert_eq!(made["cron"], format!("0 2 * * * your-command && curl -fsS '{url}?key={token}&agent=nightly'"));
    assert_eq!(made["last4"], token[36..]);
    let record = found(&house, &made["token"]).await.unwrap();
    assert_eq!((record.team, record.scope), (team(1), Scope::Agent(slug("nightly"))));
    for path in [PATH, "/v1/agents/nightly", "/v1/agents", "/v1/audit"] {
        let answer = house.get(path).await;
        assert!(!answer.text.contains(&token[8..36]), "{path}: {}", answer.text);
    }
    let expected = json!({"id": made["id"], "last4": token[36..], "created_at": NOON});
    assert_eq!(house.get(PATH).await.ok(), json!({"tokens": [expected], "next_cursor": null}));
}

/// The tokens of all agents, page by page, and of no other team.
#[tokio::test]
async fn tokens_of_all_agents_are_listed() {
    let house = House::open().await;
    house.with_agent("nightly", 1).await;
    house.with_agent("other", 2).await;
    let first = house.post(PATH, &json!({})).await.with(201);
    house.clock.advance_ms(1_000);
    let second = house.post("/v1/agents/other/tokens", &json!({})).await.with(201);
    let all = house.get("/v1/tokens").await.ok();
    let shown: Vec<[&Value; 3]> =
        all["tokens"].as_array().unwrap().iter().map(|one| [&one["agent"], &one["id"], &one["last4"]]).collect();
    assert_eq!(
        shown,
        [[&json!("other"), &second["id"], &second["last4"]], [&json!("nightly"), &first["id"], &first["last4"]],]
    );
    assert!(!all.to_string().contains("ping_eu_"), "{all}");
    let page = house.get("/v1/tokens?limit=1").await.ok();
    let next = house.get(&format!("/v1/tokens?limit=1&cursor={}", page["next_cursor"].as_str().unwrap())).await.ok();
    assert_eq!((&next["tokens"][0]["id"], &next["next_cursor"]), (&first["id"], &Value::Null));
    assert_eq!(house.get_as(Some(KEY_B), "/v1/tokens").await.ok()["tokens"], json!([]));
    house.delete(&format!("{PATH}/{}", first["id"].as_str().unwrap())).await;
    assert_eq!(house.get("/v1/tokens").await.ok()["tokens"].as_array().unwrap().len(), 1);
}

/// A token that a front door has seen says when.
#[tokio::test]
async fn a_token_says_when_it_was_last_used() {
    let house = House::open().await;
    house.with_agent("nightly", 1).await;
    let [used, unused] = [house.post(PATH, &json!({})).await.with(201), house.post(PATH, &json!({})).await.with(201)];
    let hash = Credential::parse(used["token"].as_str().unwrap()).unwrap().hash();
    let later = at(NOON).plus_millis(60_000);
    for at in [at(NOON), later] {
        house.rows.put(Arc::new(vec![token_use(&hash, at)]), at).await.unwrap();
    }
    let listed = house.get(PATH).await;
    assert!(!listed.text.contains("hash"), "{}", listed.text);
    let listed = listed.ok();
    let of = |id: &Value| listed["tokens"].as_array().unwrap().iter().find(|token| token["id"] == *id).unwrap().clone();
    assert_eq!(of(&used["id"])["last_used_at"], later.to_string());
    assert_eq!(of(&unused["id"]).get("last_used_at"), None);
}

#[tokio::test]
async fn the_line_for_a_crontab_has_the_agents_schedule() {
    let house = House::open().await;
    house.with_agent("a b", 1).await;
    house.put("/v1/agents/a%20b/schedule", &json!({"cron": "5 4 * * *"})).await.ok();
    let made = house.post("/v1/agents/a%20b/tokens", &json!({})).await.with(201);
    let cron = made["cron"].as_str().unwrap();
    assert!(cron.starts_with("5 4 * * * your-command && curl ") && cron.ends_with("&agent=a\\%20b'"), "{cron}");
}

/// AC-84: after a rotation the old token works for 24 hours, and not longer.
#[tokio::test]
async fn ac_84_a_rotated_token_works_for_a_day() {
    let house = House::open().await;
    house.with_agent("nightly", 1).await;
    let old = house.post(PATH, &json!({})).await.with(201);
    let rotate = format!("{PATH}/{}/rotate", old["id"].as_str().unwrap());
    let new = house.post(&rotate, &json!({})).await.with(201);
    assert_ne!((&new["id"], &new["token"]), (&old["id"], &old["token"]));
    let listed = house.get(PATH).await.ok();
    let old_view = listed["tokens"].as_array().unwrap().iter().find(|token| token["id"] == old["id"]).unwrap();
    assert_eq!(old_view["expires_at"], "2026-05-16T12:00:00.000Z");
    let record = found(&house, &old["token"]).await.unwrap();
    assert_eq!(record.expires_at, Some(at("2026-05-16T12:00:00Z")));
    house.clock.advance_ms(86_399_000);
    assert_eq!(house.get(PATH).await.ok()["tokens"].as_array().unwrap().len(), 2);
    house.clock.advance_ms(1_000);
    let listed = house.get(PATH).await.ok();
    assert_eq!((listed["tokens"].as_array().unwrap().len(), &listed["tokens"][0]["id"]), (1, &new["id"]));
    assert_refusal(&house.post(&rotate, &json!({})).await, 404, "not_found", None);
}

#[tokio::test]
async fn a_token_is_revoked() {
    let house = House::open().await;
    house.with_agent("nightly", 1).await;
    house.with_agent("other", 2).await;
    let made = house.post(PATH, &json!({})).await.with(201);
    let id = made["id"].as_str().unwrap();
    // It is the token of one agent.
    assert_refusal(&house.delete(&format!("/v1/agents/other/tokens/{id}")).await, 404, "not_found", None);
    assert!(found(&house, &made["token"]).await.is_some());
    house.delete(&format!("{PATH}/{id}")).await.is_empty_204();
    assert_eq!(found(&house, &made["token"]).await, None);
    assert_refusal(&house.delete(&format!("{PATH}/{id}")).await, 404, "not_found", None);
    assert_eq!(house.get(PATH).await.ok()["tokens"], json!([]));
}

#[tokio::test]
async fn tokens_are_listed_newest_first_in_pages() {
    let house = House::open().await;
    house.with_agent("nightly", 1).await;
    let mut made = Vec::new();
    for _ in 0..5 {
        made.push(house.post(PATH, &json!({})).await.with(201)["id"].clone());
        house.clock.advance_ms(1);
    }
    made.reverse();
    let ids = |page: &Value| -> Vec<Value> {
        page["tokens"].as_array().unwrap().iter().map(|token| token["id"].clone()).collect()
    };
    let mut listed = Vec::new();
    let mut page = house.get(&format!("{PATH}?limit=2")).await.ok();
    loop {
        listed.extend(ids(&page));
        let Some(cursor) = page["next_cursor"].as_str() else { break };
        page = house.get(&format!("{PATH}?limit=2&cursor={cursor}")).await.ok();
    }
    assert_eq!(listed, made);
}
