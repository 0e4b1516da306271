//! Agents that are made, changed and deleted.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use reqwest::Method;
use serde_json::{Value, json};
use tidegate_agentping::{Plan, Slug, TeamId};
use tidegate_agentping_inproc::gate::MemoryGate;
use tidegate_agentping_ports::gate::{GateDown, Settlement};
use tidegate_agentping_ports::{Ask, Gate, RefusedAgent, Registry, Seed, Ticket, Verdict};
use tidegate_kernel::Month;
use tidegate_ports::Clock;
use tokio::time::timeout;

use crate::house::*;

fn slugs(list: &Value) -> Vec<&str> {
    list["agents"].as_array().unwrap().iter().map(|agent| agent["agent"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn an_agent_is_made_ahead_of_its_first_run() {
    let house = House::open().await;
    let wanted = json!({"agent": " daily/sum mary ", "description": "at night", "tags": ["a", "b"]});
    let made = house.post("/v1/agents", &wanted).await;
    let agent = made.with(201);
    assert_eq!(agent["agent"], "daily/sum mary");
    assert!(agent["id"].as_str().unwrap().starts_with("agt_eu_"), "{agent}");
    let expected = json!({
        "id": agent["id"], "agent": "daily/sum mary", "description": "at night", "tags": ["a", "b"],
        "routes": "inherit", "first_seen": NOON, "paused": false, "muted": false, "state": "new", "since": NOON,
        "open_incidents": 0,
    });
    assert_eq!(agent, expected);
    let read = house.get("/v1/agents/daily%2Fsum%20mary").await;
    assert_eq!((read.ok(), read.etag()), (agent.clone(), made.etag()));
    assert_eq!(house.get("/v1/agents").await.ok()["agents"], json!([agent]));
    assert_refusal(&house.post("/v1/agents", &wanted).await, 409, "agent_exists", None);
    // Its first run is of the same agent.
    house.with_agent("daily/sum mary", 1).await;
    let seen = house.get("/v1/agents/daily%2Fsum%20mary").await;
    assert_eq!((&seen.ok()["id"], &seen.ok()["last_seen"]), (&agent["id"], &json!(NOON)));
    assert_eq!(seen.etag(), made.etag(), "a run does not change what was set");
}

#[tokio::test]
async fn an_agent_that_has_run_is_there_and_cannot_be_made() {
    let house = House::open().await;
    house.with_agent("nightly", 1).await;
    assert_eq!(house.get("/v1/agents/nightly").await.ok()["tags"], json!([]));
    let made = house.post("/v1/agents", &json!({"agent": "nightly"})).await;
    assert_refusal(&made, 409, "agent_exists", None);
}

#[tokio::test]
async fn an_agent_counts_towards_the_plan() {
    let house = House::open().await;
    house.registry.set_plan(team(1), Plan::Starter).await.unwrap();
    for number in 0..10 {
        house.post("/v1/agents", &json!({"agent": format!("a{number}")})).await.with(201);
    }
    let refused = house.post("/v1/agents", &json!({"agent": "one more"})).await;
    assert_refusal(&refused, 400, "agent_limit", Some("agent"));
    assert!(refused.message().contains("10"), "{}", refused.text);
    house.delete("/v1/agents/a3").await.is_empty_204();
    house.post("/v1/agents", &json!({"agent": "one more"})).await.with(201);
}

/// 3.1: an agent that is refused at the cap is noted for the alert about it, once.
#[tokio::test]
async fn a_refused_agent_is_noted_once() {
    let house = House::open().await;
    house.registry.set_plan(team(1), Plan::Starter).await.unwrap();
    for number in 0..10 {
        house.post("/v1/agents", &json!({"agent": format!("a{number}")})).await.with(201);
    }
    for name in ["one more", "one more", "another"] {
        let refused = house.post("/v1/agents", &json!({"agent": name})).await;
        assert_refusal(&refused, 400, "agent_limit", Some("agent"));
        house.clock.advance_ms(1_000);
    }
    let noted = async || RefusedAgent::written_since(&house.rows, at(NOON), house.clock.now()).await.unwrap();
    let written = async {
        while noted().await.len() < 2 {
            tokio::task::yield_now().await;
        }
    };
    timeout(Duration::from_secs(60), written).await.unwrap();
    let refused = |name: &str, second: i64| {
        let at = at(NOON).plus_millis(second * 1_000);
        RefusedAgent { team: team(1), agent: slug(name), cap: 10, at }
    };
    assert_eq!(noted().await, [refused("one more", 0), refused("another", 2)]);
}

#[tokio::test]
async fn agents_are_listed_in_pages() {
    let house = House::open().await;
    for (number, name) in ["b", "a", "d/e", "c", "é"].into_iter().enumerate() {
        house.with_agent(name, number as u128 + 1).await;
    }
    let first = house.get("/v1/agents?limit=2").await.ok();
    assert_eq!(slugs(&first), ["a", "b"]);
    let mut all: Vec<String> = slugs(&first).into_iter().map(str::to_owned).collect();
    let mut cursor = first["next_cursor"].as_str().map(str::to_owned);
    while let Some(next) = cursor {
        let page = house.get(&format!("/v1/agents?limit=2&cursor={next}")).await.ok();
        all.extend(slugs(&page).into_iter().map(str::to_owned));
        cursor = page["next_cursor"].as_str().map(str::to_owned);
    }
    assert_eq!(all, ["a", "b", "c", "d/e", "é"]);
    assert_eq!(house.get("/v1/agents?limit=5").await.ok()["next_cursor"], Value::Null);
    let next = first["next_cursor"].as_str().unwrap();
    for cursor in [&next[1..], &format!("{next}00"), "x"] {
        let answer = house.get(&format!("/v1/agents?cursor={cursor}")).await;
        assert_refusal(&answer, 400, "invalid_field", Some("cursor"));
    }
    assert_refusal(&house.get(&format!("/v1/audit?cursor={next}")).await, 400, "invalid_field", Some("cursor"));
}

#[tokio::test]
async fn a_patch_changes_what_it_mentions_and_null_unsets() {
    let house = House::open().await;
    house.with_agent("nightly", 1).await;
    let patch = async |body: Value| house.patch("/v1/agents/nightly", &body).await.ok();
    patch(json!({"description": "x", "tags": ["t"]})).await;
    let agent = patch(json!({"tags": ["u"]})).await;
    assert_eq!((&agent["description"], &agent["tags"]), (&json!("x"), &json!(["u"])));
    let agent = patch(json!({"description": null, "tags": null})).await;
    assert_eq!((agent.get("description"), &agent["tags"]), (None, &json!([])));
    let window = json!([{"cron": "0 2 * * 0", "duration_s": 3600, "timezone": "europe/berlin"}]);
    let agent = patch(json!({"maintenance": window})).await;
    let kept = json!([{"cron": "0 2 * * 0", "duration_s": 3600, "timezone": "Europe/Berlin"}]);
    assert_eq!(agent["maintenance"], kept);
    let agent = patch(json!({"routes": []})).await;
    assert_eq!((&agent["routes"], &agent["maintenance"]), (&json!([]), &kept));
    assert_eq!(patch(json!({"routes": {"add": []}})).await["routes"], json!({"add": []}));
    assert_eq!(patch(json!({"routes": null})).await["routes"], "inherit");
}

/// AC-83: a change on the condition of another state changes nothing.
#[tokio::test]
async fn ac_83_a_stale_if_match_changes_nothing() {
    let house = House::open().await;
    house.with_agent("nightly", 1).await;
    let tag = house.get("/v1/agents/nightly").await.etag();
    let patch = async |tag: &str, text: &str| {
        let body = json!({"description": text});
        house.change_as(KEY_A, Method::PATCH, "/v1/agents/nightly", &body, &[("if-match", tag)]).await
    };
    let changed = patch(&tag, "one").await;
    changed.ok();
    assert_ne!(changed.etag(), tag);
    assert_eq!(house.get("/v1/agents/nightly").await.etag(), changed.etag());
    assert_refusal(&patch(&tag, "two").await, 412, "stale", None);
    assert_refusal(&patch(&format!("W/{}", changed.etag()), "two").await, 412, "stale", None);
    let delete = async |tag: &str| {
        house.change_as(KEY_A, Method::DELETE, "/v1/agents/nightly", &Value::Null, &[("if-match", tag)]).await
    };
    let token = house.post("/v1/agents/nightly/tokens", &json!({})).await.with(201);
    assert_refusal(&delete(&tag).await, 412, "stale", None);
    assert_eq!(house.get("/v1/agents/nightly").await.ok()["description"], "one");
    let tokens = house.get("/v1/agents/nightly/tokens").await.ok();
    assert_eq!(tokens["tokens"][0]["id"], token["id"], "nothing of it is revoked");
    patch("*", "three").await.ok();
    let same = patch(&patch("*", "three").await.etag(), "three").await;
    assert_eq!(same.ok()["description"], "three");
    delete(&same.etag()).await.is_empty_204();
}

#[tokio::test]
async fn a_deleted_agent_is_gone_until_it_reports_again() {
    let house = House::open().await;
    house.with_agent("nightly", 1).await;
    house.patch("/v1/agents/nightly", &json!({"description": "x"})).await.ok();
    house.put("/v1/agents/nightly/schedule", &json!({"cron": "@daily"})).await.ok();
    house.put("/v1/agents/nightly/pause", &Value::Null).await.ok();
    house.post("/v1/agents/nightly/tokens", &json!({})).await.with(201);
    house.delete("/v1/agents/nightly").await.is_empty_204();
    assert_refusal(&house.delete("/v1/agents/nightly").await, 404, "not_found", None);
    for path in ["", "/schedule", "/tokens"] {
        assert_refusal(&house.get(&format!("/v1/agents/nightly{path}")).await, 404, "not_found", None);
    }
    assert_eq!(house.get("/v1/agents").await.ok()["agents"], json!([]));
    assert_eq!(house.get("/v1/runs").await.ok()["runs"].as_array().unwrap().len(), 1, "its runs stay");
    let tokens = house.registry.list_tokens(team(1)).await.unwrap();
    assert!(tokens.iter().all(|token| token.revoked_at.is_some()), "{tokens:?}");

    house.clock.advance_ms(1_000);
    house.with_agent("nightly", 2).await;
    let agent = house.get("/v1/agents/nightly").await.ok();
    assert_eq!((agent.get("description"), agent.get("schedule")), (None, None));
    assert_eq!(agent["paused"], true, "only an operator ends a pause");
    let agent = house.patch("/v1/agents/nightly", &json!({"tags": ["again"]})).await.ok();
    assert_eq!(agent["tags"], json!(["again"]));
}

#[tokio::test]
async fn a_deleted_agent_can_be_made_again() {
    let house = House::open().await;
    let id = house.post("/v1/agents", &json!({"agent": "x", "description": "one"})).await.with(201)["id"].clone();
    house.delete("/v1/agents/x").await.is_empty_204();
    let again = house.post("/v1/agents", &json!({"agent": "x"})).await.with(201);
    assert_eq!((&again["id"], again.get("description")), (&id, None));
    assert_eq!(house.get("/v1/agents/x").await.ok()["id"], id);
}

/// A deleted agent gives its slot back at the gate, over the API and by a file; while the gate is down it is there, and the
/// same again deletes it.
#[tokio::test]
async fn a_deleted_agent_gives_its_slot_back() {
    let gate = Arc::new(MemoryGate::default());
    let house = House::with_gate(gate.clone()).await;
    for (number, agent) in [(1, "nightly"), (2, "hourly")] {
        house.with_agent(agent, number).await;
    }
    let agents = ["nightly", "hourly"].map(|agent| Slug::parse(agent).unwrap()).to_vec();
    gate.seed(team(1), Seed { usage: None, agents }).await.unwrap();
    house.delete("/v1/agents/nightly").await.is_empty_204();
    assert_eq!(gate.agents(team(1)).await, Ok(Some(1)));
    let made = json!({"yaml": "version: 1\nagents:\n  made: {}\n"});
    house.put("/v1/config", &made).await.ok();
    gate.seed(team(1), Seed { usage: None, agents: vec![Slug::parse("made").unwrap()] }).await.unwrap();
    house.put("/v1/config", &json!({"yaml": "version: 1\n", "prune": true})).await.ok();
    assert_eq!(gate.agents(team(1)).await, Ok(Some(1)), "what a file made");
    assert_refusal(&house.get("/v1/agents/made").await, 404, "not_found", None);
}

#[tokio::test]
async fn without_the_gate_no_agent_is_deleted() {
    let gate = Arc::new(NoGate::default());
    let house = House::with_gate(gate.clone()).await;
    house.with_agent("nightly", 1).await;
    assert_refusal(&house.delete("/v1/agents/nightly").await, 503, "unavailable", None);
    assert_eq!(house.get("/v1/agents/nightly").await.status, 200);
    gate.forgets.store(true, Ordering::SeqCst);
    assert_eq!(house.delete("/v1/agents/nightly").await.status, 204, "the same again completes it");
}

/// A gate that does not answer, until it frees slots.
#[derive(Default)]
struct NoGate {
    forgets: AtomicBool,
}

fn down<T>() -> Result<T, GateDown> {
    Err(GateDown("switched off".into()))
}

#[async_trait]
impl Gate for NoGate {
    async fn admit(&self, _: Ask) -> Result<Verdict, GateDown> {
        down()
    }
    async fn confirm(&self, _: Ticket) {}
    async fn release(&self, _: Ticket) {}
    async fn seed(&self, _: TeamId, _: Seed) -> Result<(), GateDown> {
        down()
    }
    async fn settle(&self, _: TeamId, _: Settlement) -> Result<(), GateDown> {
        down()
    }
    async fn usage(&self, _: TeamId, _: Month) -> Result<Option<u64>, GateDown> {
        down()
    }
    async fn agents(&self, _: TeamId) -> Result<Option<u64>, GateDown> {
        down()
    }
    async fn forget_agent(&self, _: TeamId, _: Slug) -> Result<(), GateDown> {
        if self.forgets.load(Ordering::SeqCst) { Ok(()) } else { down() }
    }
}

/// AC-82: the other team's names are as unknown as none.
#[tokio::test]
async fn ac_82_another_teams_names_are_unknown() {
    let house = House::open().await;
    house.with_agent("secret", 1).await;
    let token = house.post("/v1/agents/secret/tokens", &Value::Null).await.with(201);
    house.put("/v1/agents/secret/schedule", &json!({"cron": "@daily"})).await.ok();
    let token = token["id"].as_str().unwrap();
    let mute = json!({"until": "2026-05-16T00:00:00Z"});
    let cases = [
        (Method::GET, "".to_owned(), Value::Null),
        (Method::PATCH, "".to_owned(), json!({})),
        (Method::DELETE, "".to_owned(), Value::Null),
        (Method::GET, "/schedule".to_owned(), Value::Null),
        (Method::PUT, "/schedule".to_owned(), json!({"cron": "@daily"})),
        (Method::DELETE, "/schedule".to_owned(), Value::Null),
        (Method::PUT, "/pause".to_owned(), Value::Null),
        (Method::PUT, "/mute".to_owned(), mute),
        (Method::GET, "/tokens".to_owned(), Value::Null),
        (Method::POST, "/tokens".to_owned(), Value::Null),
        (Method::DELETE, format!("/tokens/{token}"), Value::Null),
        (Method::POST, format!("/tokens/{token}/rotate"), Value::Null),
    ];
    for (method, below, body) in cases {
        let asked = async |agent: &str| {
            house.change_as(KEY_B, method.clone(), &format!("/v1/agents/{agent}{below}"), &body, &[]).await
        };
        let (theirs, none) = (asked("secret").await, asked("nobody").await);
        assert_refusal(&theirs, 404, "not_found", None);
        assert_eq!(theirs.text.replace("secret", "nobody"), none.text, "{method} {below}");
        assert_eq!((theirs.status, theirs.header("etag")), (none.status, None));
    }
    for below in ["/pause", "/mute"] {
        let path = format!("/v1/agents/secret{below}");
        house.change_as(KEY_B, Method::DELETE, &path, &Value::Null, &[]).await.is_empty_204();
    }
    let page = house.get_as(Some(KEY_B), "/v1/audit").await.ok();
    assert_eq!(page["entries"], json!([]));
    assert_eq!(house.get("/v1/agents/secret/tokens").await.ok()["tokens"].as_array().unwrap().len(), 1);
}
