//! Agents that are renamed (AC-77).

use std::sync::Arc;
use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};
use tidegate_agentping::{AgentNames, Plan};
use tidegate_agentping_ports::registry::agent_id;
use tidegate_agentping_ports::{NamesDoc, NamesOfTeams, Registry, StoredNames};
use tidegate_agentping_pulse::agent::AgentStanding;
use tidegate_agentping_pulse::incident::IncidentId;
use tidegate_agentping_pulse::{AlertKind, AlertSeverity, IncidentOrigin, SlotOutcome};
use tidegate_agentping_verdicts::{IncidentDoc, RecentDoc, SlotDoc, StandingDoc};
use tidegate_kernel::Region;
use tidegate_ports::{Clock, Documents, Rows};

use crate::house::*;

/// A house whose renames are answered at once: no front door keeps anything.
async fn open() -> House {
    House::opened_with(|control| control.with_rename_wait(Duration::ZERO)).await
}

impl House {
    async fn names(&self) -> Arc<AgentNames> {
        StoredNames::new(Arc::new(self.documents.clone())).of(team(1)).await.unwrap()
    }

    /// A run of the agent with this name, as the front door puts it on the log.
    async fn reports(&self, name: &str, number: u128) {
        let names = self.names().await;
        self.with_agent(names.key(&slug(name)).as_str(), number).await;
    }

    async fn rename(&self, from: &str, to: &str) -> Answer {
        self.post(&format!("/v1/agents/{from}/rename"), &json!({"to": to})).await
    }

    /// The ids of the runs that are listed for an agent, each with the agent that it shows.
    async fn runs_of(&self, agent: &str) -> Vec<(String, String)> {
        let page = self.get(&format!("/v1/runs?agent={agent}")).await.ok();
        let text = |run: &Value, name: &str| run[name].as_str().unwrap().to_owned();
        let mut runs: Vec<_> =
            page["runs"].as_array().unwrap().iter().map(|run| (text(run, "id"), text(run, "agent"))).collect();
        runs.sort();
        runs
    }

    /// By name: the ids of the agents that are there.
    async fn agents(&self) -> Vec<(String, String)> {
        let page = self.get("/v1/agents").await.ok();
        let text = |agent: &Value, name: &str| agent[name].as_str().unwrap().to_owned();
        page["agents"].as_array().unwrap().iter().map(|agent| (text(agent, "agent"), text(agent, "id"))).collect()
    }
}

fn id_of(key: &str) -> String {
    agent_id(team(1), &slug(key)).to_string()
}

fn run(number: u128, agent: &str) -> (String, String) {
    (run_id(number).to_string(), agent.to_owned())
}

/// AC-77: all that is set of an agent moves with it, and its id stays.
#[tokio::test]
async fn ac_77_what_is_set_moves() {
    let house = open().await;
    house.reports("old", 1).await;
    let set = json!({"description": "at night", "tags": ["a"], "routes": []});
    house.patch("/v1/agents/old", &set).await.ok();
    house.put("/v1/agents/old/schedule", &json!({"cron": "0 3 * * *"})).await.ok();
    let paused = house.put("/v1/agents/old/pause", &json!({"note": "by hand"})).await.ok();
    house.put("/v1/agents/old/mute", &json!({"until": "2026-05-16T12:00:00Z"})).await.ok();
    let check = json!({"name": "short", "type": "length", "unit": "characters", "max": 10});
    let check = house.post("/v1/agents/old/checks", &check).await.with(201);
    let rule = json!({
        "name": "cap", "match": {"agent": "old"}, "spend_of": "agent", "window": "day", "limit_usd": 1, "action": "block",
    });
    let rule = house.post("/v1/guard/rules", &rule).await.with(201);
    house.post("/v1/badges", &json!({"label": "nightly", "agent": "old"})).await.with(201);
    let token = house.post("/v1/agents/old/tokens", &Value::Null).await.with(201);
    let before = house.get("/v1/agents/old").await.ok();
    house.clock.advance_ms(1_000);

    let renamed = house.rename("old", "new").await;
    let agent = renamed.ok();
    assert_eq!(agent, house.get("/v1/agents/new").await.ok());
    assert_eq!(renamed.etag(), house.get("/v1/agents/new").await.etag());
    let mut expected = before.clone();
    expected["agent"] = json!("new");
    assert_eq!(agent, expected, "nothing else has changed");
    assert_eq!((&agent["id"], &agent["paused"], &agent["muted"]), (&json!(id_of("old")), &json!(true), &json!(true)));
    assert_refusal(&house.get("/v1/agents/old").await, 404, "not_found", None);
    assert_eq!(house.agents().await, [("new".to_owned(), id_of("old"))]);

    assert_eq!(house.get("/v1/agents/new/schedule").await.ok()["cron"], "0 3 * * *");
    let checks = house.get("/v1/agents/new/checks").await.ok();
    let (kept, mut moved) = (&checks["checks"][0], check.clone());
    moved["agent"] = json!("new");
    assert_eq!(*kept, moved, "a rename makes no new version");
    // Its name is taken among the checks of the agent, and free among those of the old name.
    let again = json!({"name": "short", "type": "length", "unit": "characters", "max": 20});
    assert_refusal(&house.post("/v1/agents/new/checks", &again).await, 409, "name_taken", Some("name"));
    let path = format!("/v1/guard/rules/{}", rule["id"].as_str().unwrap());
    assert_eq!(house.get(&path).await.ok()["match"], json!({"agent": "new"}));
    assert_eq!(house.get("/v1/badges").await.ok()["badges"][0]["agent"], "new");
    let tokens = house.get("/v1/agents/new/tokens").await.ok();
    assert_eq!((&tokens["tokens"][0]["id"], tokens["tokens"].as_array().unwrap().len()), (&token["id"], 1));
    // Guard blocks it under the new name, with the same id, and not under the old one.
    let asked = house.post("/v1/guard/check", &json!({"agent": "new"})).await.ok();
    assert_eq!(asked["blocked_by"], json!([paused["rule_id"]]));
    assert_eq!(house.post("/v1/guard/check", &json!({"agent": "old"})).await.ok()["decision"], "allow");
    house.delete("/v1/agents/new/pause").await.is_empty_204();
    assert_eq!(house.get("/v1/agents/new").await.ok()["paused"], false);

    let exported = house.get("/v1/config").await;
    assert!(exported.text.contains("new:") && !exported.text.contains("old:"), "{}", exported.text);
    let entries = house.get("/v1/audit").await.ok();
    let entry = entries["entries"].as_array().unwrap().iter().find(|entry| entry["action"] == "agent.rename");
    assert_eq!(entry.unwrap()["what"], "old → new");
}

/// AC-77: runs, spend and agents: those before the rename are of the new name, those after it of both, each its own.
#[tokio::test]
async fn ac_77_history_moves_and_the_old_name_is_a_new_agent() {
    let house = open().await;
    house.reports("old", 1).await;
    let first = house.get("/v1/agents/old").await.ok();
    house.clock.advance_ms(60_000);
    house.rename("old", "new").await.ok();
    assert_eq!(house.runs_of("new").await, [run(1, "new")]);
    assert_eq!(house.get(&format!("/v1/runs/{}", run_id(1))).await.ok()["agent"], "new");
    house.reports("new", 2).await;
    house.reports("old", 3).await;
    assert_eq!(house.runs_of("new").await, [run(1, "new"), run(2, "new")]);
    assert_eq!(house.runs_of("old").await, [run(3, "old")]);
    let fresh = house.get("/v1/agents/old").await.ok();
    assert_ne!(fresh["id"], first["id"]);
    assert_eq!(fresh["first_seen"], "2026-05-15T12:01:00.000Z");
    let renamed = house.get("/v1/agents/new").await.ok();
    assert_eq!((&renamed["id"], &renamed["first_seen"]), (&first["id"], &first["first_seen"]));
    assert_eq!(renamed["last_seen"], "2026-05-15T12:01:00.000Z");
    let names: Vec<String> = house.agents().await.into_iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["new", "old"]);
    let spend = house.get("/v1/spend?month=2026-05").await.ok();
    let mut rows: Vec<(&str, u64)> = spend["by_agent"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| (row["name"].as_str().unwrap(), row["runs"].as_u64().unwrap()))
        .collect();
    rows.sort_unstable();
    assert_eq!(rows, [("new", 2), ("old", 1)]);
    // What is set of one is not set of the other.
    house.put("/v1/agents/old/schedule", &json!({"cron": "@daily"})).await.ok();
    assert_eq!(house.get("/v1/agents/new").await.ok().get("schedule"), None);
    // A token that is made for one is that one's.
    house.post("/v1/agents/old/tokens", &Value::Null).await.with(201);
    assert_eq!(house.get("/v1/agents/new/tokens").await.ok()["tokens"], json!([]));
    assert_eq!(house.get("/v1/agents/old/tokens").await.ok()["tokens"].as_array().unwrap().len(), 1);
}

/// AC-77: slots, incidents and the state are the agent's under its new name.
#[tokio::test]
async fn ac_77_what_was_judged_moves() {
    let house = open().await;
    house.reports("old", 1).await;
    let opened_at = at(NOON).plus_millis(-60_000);
    let incident = IncidentDoc {
        id: IncidentId::from_bits(Region::Eu, 1),
        agent: slug("old"),
        kind: AlertKind::ScheduleMissed,
        severity: AlertSeverity::Error,
        opened_at,
        resolved_at: None,
        resolved_by: None,
        origin: IncidentOrigin::Slot(opened_at),
        count: 1,
    };
    let standing = StandingDoc {
        state: AgentStanding::Down,
        since: opened_at,
        next_slot: None,
        last_success: None,
        last_run: None,
        open_incidents: vec![incident.id],
        recent: RecentDoc::default(),
    };
    let (outcome, deadline) = (SlotOutcome::Missed, opened_at);
    let slot = SlotDoc { at: opened_at, deadline, outcome, run: None, reason: None, incident: Some(incident.id) };
    let [row, place] = incident.rows(team(1));
    let rows = vec![row, place, standing.row(team(1), &slug("old"), 1), slot.row(agent_id(team(1), &slug("old")))];
    house.rows.put(Arc::new(rows), house.clock.now()).await.unwrap();
    house.rename("old", "new").await.ok();

    let listed = house.get("/v1/incidents?agent=new").await.ok();
    let id = incident.id.to_string();
    assert_eq!((&listed["incidents"][0]["id"], &listed["incidents"][0]["agent"]), (&json!(id), &json!("new")));
    assert_eq!(house.get("/v1/incidents?agent=old").await.ok()["incidents"], json!([]));
    assert_eq!(house.get(&format!("/v1/incidents/{id}")).await.ok()["agent"], "new");
    let agent = house.get("/v1/agents/new").await.ok();
    assert_eq!((&agent["state"], &agent["open_incidents"]), (&json!("down"), &json!(1)));
    let status = house.get("/v1/status").await.ok();
    assert_eq!((&status["agents"][0]["agent"], &status["agents"][0]["state"]), (&json!("new"), &json!("down")));
    let slots = house.get("/v1/agents/new/slots").await.ok();
    assert_eq!((&slots["slots"][0]["outcome"], &slots["slots"][0]["incident_id"]), (&json!("missed"), &json!(id)));
    let metrics = house.get("/v1/metrics").await.text;
    assert!(metrics.contains("tidegate_agent_up{agent=\"new\"} 0") && !metrics.contains("\"old\""), "{metrics}");
    // A new agent of the old name has none of it.
    house.reports("old", 2).await;
    let fresh = house.get("/v1/agents/old").await.ok();
    assert_eq!((&fresh["state"], &fresh["open_incidents"]), (&json!("up"), &json!(0)));
    assert_eq!(house.get("/v1/agents/old/slots").await.ok()["slots"], json!([]));
}

/// AC-77: chains, back again, two that change places.
#[tokio::test]
async fn ac_77_chains_returns_and_swaps() {
    let house = open().await;
    house.reports("a", 1).await;
    house.reports("b", 2).await;
    for (from, to) in [("a", "t"), ("b", "a"), ("t", "b")] {
        assert_eq!(house.rename(from, to).await.ok()["agent"], to);
    }
    assert_eq!(house.agents().await, [("a".to_owned(), id_of("b")), ("b".to_owned(), id_of("a"))]);
    assert_eq!((house.runs_of("a").await, house.runs_of("b").await), (vec![run(2, "a")], vec![run(1, "b")]));
    house.rename("b", "c").await.ok();
    house.rename("c", "d").await.ok();
    house.reports("d", 3).await;
    assert_eq!(house.runs_of("d").await, [run(1, "d"), run(3, "d")]);
    assert_eq!(house.rename("d", "b").await.ok()["id"], id_of("a"));
    assert_eq!(house.runs_of("b").await, [run(1, "b"), run(3, "b")]);
}

/// AC-77: a deleted agent gives its name away, and keeps what it had under another.
#[tokio::test]
async fn ac_77_the_name_of_a_deleted_agent_is_free() {
    let house = open().await;
    house.reports("a", 1).await;
    house.rename("a", "b").await.ok();
    // The job was forgotten, and reports under the old name.
    house.reports("a", 2).await;
    assert_refusal(&house.rename("b", "a").await, 409, "agent_exists", None);
    let check = json!({"name": "short", "type": "length", "unit": "characters", "max": 10});
    house.post("/v1/agents/a/checks", &check).await.with(201);
    house.delete("/v1/agents/a").await.is_empty_204();
    let back = house.rename("b", "a").await.ok();
    assert_eq!(back["id"], id_of("a"));
    assert_eq!(house.runs_of("a").await, [run(1, "a")]);
    assert_eq!(house.get("/v1/agents/a/checks").await.ok()["checks"], json!([]), "that was the deleted one's");
    house.post("/v1/agents/a/checks", &check).await.with(201);
    let other = house.get(&format!("/v1/runs/{}", run_id(2))).await.ok();
    let name = other["agent"].as_str().unwrap().to_owned();
    assert!(name.starts_with("a (former 2)"), "{name}");
    assert_eq!(house.runs_of(&name).await, [run(2, &name)]);
    assert_eq!(house.agents().await, [("a".to_owned(), id_of("a"))], "and is still deleted");
}

/// AC-77: what is refused, and what changes nothing.
#[tokio::test]
async fn ac_77_what_is_refused() {
    let house = open().await;
    house.reports("a", 1).await;
    house.reports("b", 2).await;
    assert_refusal(&house.rename("a", "b").await, 409, "agent_exists", None);
    assert_refusal(&house.rename("unknown", "c").await, 404, "not_found", None);
    for (body, code, field) in [
        (json!({}), "invalid_field", Some("to")),
        (json!({"to": ""}), "invalid_field", Some("to")),
        (json!({"to": 1}), "invalid_field", Some("to")),
        (json!({"to": "a\u{2063}1"}), "invalid_field", Some("to")),
        (json!({"to": "x".repeat(129)}), "invalid_field", Some("to")),
        (json!({"to": "c", "why": "x"}), "unknown_field", Some("why")),
    ] {
        assert_refusal(&house.post("/v1/agents/a/rename", &body).await, 400, code, field);
    }
    let body = json!({"to": "c"});
    let reads = house.change_as(KEY_READS, Method::POST, "/v1/agents/a/rename", &body, &[]).await;
    assert_refusal(&reads, 403, "read_only", None);
    let theirs = house.change_as(KEY_B, Method::POST, "/v1/agents/a/rename", &body, &[]).await;
    assert_refusal(&theirs, 404, "not_found", None);
    let tag = house.get("/v1/agents/a").await.etag();
    house.patch("/v1/agents/a", &json!({"tags": ["changed"]})).await.ok();
    let stale = house.change_as(KEY_A, Method::POST, "/v1/agents/a/rename", &body, &[("if-match", tag.as_str())]).await;
    assert_refusal(&stale, 412, "stale", None);
    // Its own name is no change.
    assert_eq!(house.rename("a", "a").await.ok()["agent"], "a");
    assert_eq!(house.agents().await, [("a".to_owned(), id_of("a")), ("b".to_owned(), id_of("b"))]);
    let found = house.documents.get(&team(1).to_string(), NamesDoc::KIND, NamesDoc::NAME).await.unwrap();
    assert_eq!(found, None, "nothing was written");
    let tag = house.get("/v1/agents/a").await.etag();
    house.change_as(KEY_A, Method::POST, "/v1/agents/a/rename", &body, &[("if-match", tag.as_str())]).await.ok();
}

/// AC-77: of two renames at once one wins, and the other learns what is there then.
#[tokio::test]
async fn ac_77_two_renames_at_once() {
    let house = open().await;
    for number in 0..10_u128 {
        let (one, two) = (format!("one-{number}"), format!("two-{number}"));
        house.reports(&one, 2 * number + 1).await;
        house.reports(&two, 2 * number + 2).await;
        let to = format!("to-{number}");
        // Two agents to one name, and one agent to two names.
        let (first, second) = tokio::join!(house.rename(&one, &to), house.rename(&two, &to));
        let mut statuses = [first.status.as_u16(), second.status.as_u16()];
        statuses.sort_unstable();
        assert_eq!(statuses, [200, 409], "{} {}", first.text, second.text);
        let other = format!("other-{number}");
        let third = format!("third-{number}");
        let (first, second) = tokio::join!(house.rename(&to, &other), house.rename(&to, &third));
        let mut statuses = [first.status.as_u16(), second.status.as_u16()];
        statuses.sort_unstable();
        assert_eq!(statuses, [200, 404], "{} {}", first.text, second.text);
    }
    assert_eq!(house.agents().await.len(), 20);
}

/// AC-77: the plan's agents are counted once, before and after.
#[tokio::test]
async fn ac_77_a_rename_takes_no_slot() {
    let house = open().await;
    house.registry.set_plan(team(1), Plan::Starter).await.unwrap();
    for number in 0..10 {
        house.post("/v1/agents", &json!({"agent": format!("a{number}")})).await.with(201);
    }
    house.rename("a0", "renamed").await.ok();
    let refused = house.post("/v1/agents", &json!({"agent": "a0"})).await;
    assert_refusal(&refused, 400, "agent_limit", Some("agent"));
    assert!(refused.message().contains("'a0'"), "{}", refused.text);
    assert_refusal(&house.post("/v1/agents", &json!({"agent": "renamed"})).await, 409, "agent_exists", None);
    house.delete("/v1/agents/renamed").await.is_empty_204();
    house.post("/v1/agents", &json!({"agent": "a0"})).await.with(201);
}
