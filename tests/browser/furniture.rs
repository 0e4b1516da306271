//! Something on every page: what a client may name has a given text in it.

use serde_json::{Value, json};
use tidegate_tests::client::encode;
use tidegate_tests::clock::{HOUR_MS, iso, now_ms};
use tidegate_tests::wire;

use crate::scene::Scene;

/// What was made.
pub struct Furniture {
    pub agent: String,
    pub run: String,
    pub route: String,
    pub incident: String,
}

impl Furniture {
    /// The paths of all pages below the team's, with a name for the picture of each.
    pub fn pages(&self) -> Vec<(&'static str, String)> {
        let agent = encode(&self.agent);
        vec![
            ("overview", String::new()),
            ("agents", "/agents".to_owned()),
            ("agent", format!("/agents/{agent}")),
            ("runs", "/runs".to_owned()),
            ("run", format!("/runs/{}", self.run)),
            ("spend", "/spend".to_owned()),
            ("guard", "/guard".to_owned()),
            ("alerts", "/alerts".to_owned()),
            ("incident", format!("/incidents/{}", self.incident)),
            ("routes", "/routes".to_owned()),
            ("route", format!("/routes/{}", self.route)),
            ("quotas", "/quotas".to_owned()),
            ("rates", "/rates".to_owned()),
            ("keys", "/keys".to_owned()),
            ("configuration", "/config".to_owned()),
            ("start", format!("/start?agent={}", encode(&format!("{} to come", self.agent)))),
        ]
    }
}

/// Furnishes a team. The agent has failed runs, a schedule, a check, a token, a route and an incident.
pub async fn furnish(scene: &Scene, text: &str) -> Furniture {
    let agent = text.to_owned();
    let path = format!("/v1/agents/{}", encode(&agent));
    scene.set("POST", "/v1/agents", &json!({"agent": agent, "description": text, "tags": [text]})).await;
    let route = scene.set("POST", "/v1/routes", &route(text)).await["id"].as_str().unwrap().to_owned();
    scene.set("PATCH", "/v1/team", &json!({"routes": [text]})).await;
    let schedule = json!({"every_s": 600, "tolerance_s": 60, "start_unseen": true});
    scene.set("PUT", &format!("{path}/schedule"), &schedule).await;
    scene.set("POST", &format!("{path}/tokens"), &json!({})).await;
    let check = json!({"name": text, "type": "length", "unit": "characters", "max": 1, "when": "finished"});
    scene.set("POST", &format!("{path}/checks"), &check).await;
    let matched = json!({"agent": text, "customer_ref": text});
    let rule = json!({
        "name": text, "match": matched, "spend_of": "agent", "window": "day", "limit_usd": 0.5, "action": "warn",
    });
    scene.set("POST", "/v1/guard/rules", &rule).await;
    scene.set("POST", "/v1/badges", &json!({"label": text, "agent": agent})).await;
    scene.team.set_rate("priced", "a-model", "2", Some("0.5"), "8").await;
    let run = runs(scene, text).await;
    let mute = json!({"until": iso(now_ms() + HOUR_MS), "reason": text});
    scene.set("PUT", &format!("{path}/mute"), &mute).await;
    scene.set("PUT", &format!("{path}/pause"), &json!({"note": text})).await;
    // The page of guard has what it blocked.
    let asked = json!({"agent": agent, "customer_ref": text, "function": text, "environment": text});
    assert_eq!(scene.set("POST", "/v1/guard/check", &asked).await["decision"], "block");
    // Its failed runs are one.
    let is_there = |answer: &Value| answer["incidents"].as_array().is_some_and(|found| !found.is_empty());
    let found = scene.reads("/v1/incidents", "has one", is_there).await;
    let incident = found["incidents"][0]["id"].as_str().unwrap().to_owned();
    Furniture { agent, run, route, incident }
}

fn route(text: &str) -> Value {
    json!({"name": text, "kind": "webhook", "url": "https://hooks.example.com/in"})
}

/// A finished run with events of every type and a run that it started.
async fn runs(scene: &Scene, text: &str) -> String {
    let (team, run, child) = (&scene.team, scene.team.run_id(), scene.team.run_id());
    let labels = |start: Value| {
        let start = wire::with(start, "customer_id", json!(text));
        let start = wire::with(start, "feature", json!(text));
        let start = wire::with(start, "goal", json!(text));
        wire::with(start, "metadata", json!({ text: text }))
    };
    team.start(&labels(wire::start(&run, text))).await.expect(202);
    let data = json!({
        "provider": text, "model": text, "tool": text, "message": text, "error": text, "exception": text, "status": text,
        "name": text, "kind": text, "value": text, "input": { text: text }, "output": text,
        "input_tokens": 1200, "output_tokens": 300, "latency_ms": 40,
    });
    let event = |kind: &str, data: &Value| {
        let id = team.event_id();
        json!({"external_id": id, "type": kind, "ts": iso(now_ms()), "data": data})
    };
    let priced = json!({
        "provider": "priced", "model": "a-model", "input_tokens": 90_000, "output_tokens": 12_000, "latency_ms": 900,
    });
    let kinds = ["llm_call", "tool_call", "error", "log", "score", "step"];
    let mut events: Vec<Value> = kinds.iter().map(|kind| event(kind, &data)).collect();
    events.push(event("llm_call", &priced));
    team.batch(&run, &events).await.expect(202);
    let started = wire::with(labels(wire::start(&child, text)), "parent_run_id", json!(run));
    team.start(&started).await.expect(202);
    let end = wire::with(wire::finish(), "status", json!("failed"));
    team.finish(&child, &end).await.expect(202);
    let end = wire::with(wire::with(end, "output", json!({ text: text })), "scores", json!({ text: 1 }));
    team.finish(&run, &end).await.expect(202);
    team.run_with_events(&run, events.len()).await;
    team.closed_run(&child).await;
    run
}
