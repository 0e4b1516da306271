//! Configuration as code: a file applied, compared, exported.

use reqwest::Method;
use serde_json::{Value, json};

use crate::house::*;

const FILE: &str = r#"version: 1
team: {spend: {sigma: 3, min_usd: 0.5}}
agents:
  daily/summary:
    description: At night
    tags: [nightly]
    schedule: {cron: "0 2 * * *", timezone: Europe/Berlin, tolerance_s: 900}
    checks: {short: {type: length, unit: characters, max: 10}}
  hourly:
    schedule:
      every_s: 3600
guard:
  daily cap: {match: {agent: "*"}, spend_of: agent, window: day, limit_usd: 20}
"#;

async fn apply(house: &House, yaml: &str) -> Value {
    house.put("/v1/config", &json!({ "yaml": yaml })).await.ok()
}

async fn pruned(house: &House, yaml: &str) -> Value {
    house.put("/v1/config", &json!({"yaml": yaml, "prune": true})).await.ok()
}

async fn diff(house: &House, yaml: &str) -> Value {
    house.post("/v1/config/diff", &json!({ "yaml": yaml })).await.ok()
}

fn whats(outcome: &Value) -> Vec<(String, String)> {
    let text = |change: &Value, name: &str| change[name].as_str().unwrap().to_owned();
    let changes = outcome["changes"].as_array().unwrap();
    changes.iter().map(|change| (text(change, "op"), text(change, "what"))).collect()
}

fn created(what: &str) -> (String, String) {
    ("create".to_owned(), what.to_owned())
}

fn deleted(what: &str) -> (String, String) {
    ("delete".to_owned(), what.to_owned())
}

/// AC-85: what a file says is there after it was applied, and applying it again changes nothing.
#[tokio::test]
async fn ac_85_a_file_is_applied_once() {
    let house = House::open().await;
    let compared = diff(&house, FILE).await;
    assert_eq!(compared["applied"], false);
    assert_eq!(house.get("/v1/agents").await.ok()["agents"], json!([]));
    let applied = apply(&house, FILE).await;
    assert_eq!((&applied["applied"], &applied["changes"]), (&json!(true), &compared["changes"]));
    let agents = ["agents.daily/summary", "agents.daily/summary.schedule", "agents.daily/summary.checks.short"];
    for what in agents.into_iter().chain(["agents.hourly", "agents.hourly.schedule", "guard.daily cap"]) {
        assert!(whats(&applied).contains(&created(what)), "{what}: {applied}");
    }
    let sigma = json!({"op": "update", "what": "team", "field": "spend.sigma", "from": 2.5, "to": 3.0});
    assert!(applied["changes"].as_array().unwrap().contains(&sigma), "{applied}");

    let agent = house.get("/v1/agents/daily%2Fsummary").await.ok();
    assert_eq!((&agent["description"], &agent["tags"]), (&json!("At night"), &json!(["nightly"])));
    assert_eq!((&agent["schedule"]["tolerance_s"], &agent["schedule"]["judged_from"]), (&json!(900), &json!(NOON)));
    let checks = house.get("/v1/agents/daily%2Fsummary/checks").await.ok()["checks"].clone();
    assert_eq!(
        (&checks[0]["name"], &checks[0]["max"], &checks[0]["version"]),
        (&json!("short"), &json!(10), &json!(1))
    );
    let rules = house.get("/v1/guard/rules").await.ok()["rules"].clone();
    assert_eq!((&rules[0]["name"], &rules[0]["limit_usd"]), (&json!("daily cap"), &json!(20)));
    assert_eq!(house.get("/v1/team").await.ok()["spend"], json!({"sigma": 3.0, "min_usd": 0.5}));

    house.clock.advance_ms(60_000);
    let before = house.get("/v1/audit").await.ok();
    assert_eq!(before["entries"].as_array().unwrap().len(), 1);
    assert_eq!((&before["entries"][0]["action"], &before["entries"][0]["what"]), (&json!("config.apply"), &json!("")));
    assert_eq!(apply(&house, FILE).await, json!({"changes": [], "applied": true}));
    assert_eq!(house.get("/v1/audit").await.ok(), before, "nothing is audited where nothing changes");
    assert_eq!(house.get("/v1/agents/hourly/schedule").await.ok()["judged_from"], NOON);
}

/// AC-85: what is exported changes nothing, however it came to be.
#[tokio::test]
async fn ac_85_what_is_exported_is_what_is_there() {
    let house = House::open().await;
    house.with_agent("reports only", 1).await;
    house.with_agent("- odd: 'name'", 2).await;
    let odd = "/v1/agents/-%20odd:%20%27name%27";
    apply(&house, FILE).await;
    let window = json!([{"cron": "0 2 * * 0", "duration_s": 3600, "timezone": "Europe/Berlin"}]);
    house.patch(odd, &json!({"description": "Two\nlines: \"x\"", "routes": [], "maintenance": window})).await.ok();
    house.put(&format!("{odd}/schedule"), &json!({"every_s": 300, "enabled": false})).await.ok();
    house.post("/v1/agents", &json!({"agent": "true"})).await.with(201);
    house
        .post("/v1/guard/rules", &json!({"name": "x", "spend_of": "team", "window": "hours:5", "limit_usd": 0.125}))
        .await
        .with(201);
    house.put("/v1/agents/hourly/pause", &Value::Null).await.ok();
    let exported = house.get("/v1/config").await;
    let yaml = exported.ok()["yaml"].as_str().unwrap().to_owned();
    assert_eq!(diff(&house, &yaml).await["changes"], json!([]), "{yaml}");
    assert!(!yaml.contains("reports only") && !yaml.contains("pause") && yaml.contains("limit_usd: 0.125"), "{yaml}");
    // And it makes the same of another team.
    house.change_as(KEY_B, Method::PUT, "/v1/config", &json!({ "yaml": yaml }), &[]).await.ok();
    assert_eq!(house.get_as(Some(KEY_B), "/v1/config").await.ok()["yaml"], yaml);
}

/// AC-86: a file with faults applies nothing and names all of them with their lines.
#[tokio::test]
async fn ac_86_all_faults_are_named_with_their_lines() {
    let house = House::open().await;
    let file = r#"version: 2
team:
  spend: {sigma: 0}
  colour: red
agents:
  good: {tags: [a]}
  bad:
    tags: [a, a]
    description: 7
    routes: [ops]
    schedule:
      cron: "0 0 2 * * *"
      tolerance_s: 5
    checks:
      short: {type: length, unit: words, max: 1}
guard:
  cap: {spend_of: agent, window: day}
  flat: {spend_of: agent, window: day, limit_usd: -1, action: shout}
extra: 1
"#;
    for answer in [
        house.put("/v1/config", &json!({ "yaml": file })).await,
        house.post("/v1/config/diff", &json!({ "yaml": file })).await,
    ] {
        let refusal = answer.with(400);
        assert_eq!(refusal["error"], "invalid_config");
        let faults = refusal["faults"].as_array().unwrap();
        let found: Vec<(u64, &str)> =
            faults.iter().map(|fault| (fault["line"].as_u64().unwrap(), fault["path"].as_str().unwrap())).collect();
        let expected = [
            (1, "version"),
            (3, "team.spend.sigma"),
            (4, "team.colour"),
            (8, "agents.bad.tags[1]"),
            (9, "agents.bad.description"),
            (12, "agents.bad.schedule.cron"),
            (13, "agents.bad.schedule.tolerance_s"),
            (15, "agents.bad.checks.short.unit"),
            (17, "guard.cap.limit_usd"),
            (18, "guard.flat.action"),
            (18, "guard.flat.limit_usd"),
            (19, "extra"),
        ];
        for fault in expected {
            assert!(found.contains(&fault), "{fault:?} is not in {found:?}");
        }
        assert!(found.iter().all(|fault| expected.contains(fault)), "{found:?}");
        let lines: Vec<u64> = found.iter().map(|fault| fault.0).collect();
        assert!(lines.is_sorted(), "{lines:?}");
    }
    assert_eq!(house.get("/v1/agents").await.ok()["agents"], json!([]), "good is not applied either");
    assert_eq!(house.get("/v1/audit").await.ok()["entries"], json!([]));
}

#[tokio::test]
async fn what_is_no_file_is_refused() {
    let house = House::open().await;
    for (yaml, line) in [("a: [1", 1), ("a: 1\na: 2", 2), ("", 1), ("- x", 1), ("version: '1'", 1)] {
        let refusal = house.put("/v1/config", &json!({ "yaml": yaml })).await.with(400);
        assert_eq!(
            (&refusal["error"], &refusal["faults"][0]["line"]),
            (&json!("invalid_config"), &json!(line)),
            "{yaml}"
        );
    }
    for (body, field) in [
        (json!({}), Some("yaml")),
        (json!({"yaml": 5}), Some("yaml")),
        (json!({"yaml": "version: 1", "env": {"A": 1}}), Some("env")),
        (json!({"yaml": "version: 1", "prune": "yes"}), Some("prune")),
    ] {
        assert_refusal(&house.put("/v1/config", &body).await, 400, "invalid_field", field);
    }
    let unknown = house.put("/v1/config", &json!({"yaml": "version: 1", "force": true})).await;
    assert_refusal(&unknown, 400, "unknown_field", Some("force"));
}

/// AC-87: without pruning nothing is deleted; with it only what an apply has made.
#[tokio::test]
async fn ac_87_only_what_an_apply_made_is_pruned() {
    let house = House::open().await;
    house.with_agent("by hand", 1).await;
    house.put("/v1/agents/by%20hand/schedule", &json!({"cron": "@daily"})).await.ok();
    house.patch("/v1/agents/by%20hand", &json!({"tags": ["x"]})).await.ok();
    house
        .post("/v1/guard/rules", &json!({"name": "by hand", "spend_of": "team", "window": "day", "limit_usd": 1}))
        .await
        .with(201);
    apply(&house, FILE).await;
    house.clock.advance_ms(1_000);
    house.tell(team(1), run_id(9), start("hourly", "2026-05-15T12:00:01.000Z")).await;
    assert_eq!(apply(&house, "version: 1").await["changes"], json!([]));
    let compared = house.post("/v1/config/diff", &json!({"yaml": "version: 1", "prune": true})).await.ok();
    let gone = pruned(&house, "version: 1").await;
    assert_eq!(gone["changes"], compared["changes"]);
    let mut found = whats(&gone);
    found.sort();
    let mut expected = vec![
        deleted("agents.daily/summary"),
        deleted("agents.daily/summary.checks.short"),
        deleted("agents.daily/summary.schedule"),
        deleted("agents.hourly"),
        deleted("agents.hourly.schedule"),
        deleted("guard.daily cap"),
    ];
    expected.sort();
    assert_eq!(found, expected);
    assert_refusal(&house.get("/v1/agents/daily%2Fsummary").await, 404, "not_found", None);
    let hourly = house.get("/v1/agents/hourly").await.ok();
    assert_eq!(hourly.get("schedule"), None, "it reports, so it stays, with nothing set");
    assert_eq!(house.get("/v1/agents/by%20hand").await.ok()["tags"], json!(["x"]));
    assert_eq!(house.get("/v1/agents/by%20hand/schedule").await.ok()["cron"], "@daily");
    assert_eq!(house.get("/v1/guard/rules").await.ok()["rules"].as_array().unwrap().len(), 1);
    assert_eq!(pruned(&house, "version: 1").await["changes"], json!([]));
    // What was pruned can be applied again.
    apply(&house, FILE).await;
    assert_eq!(diff(&house, FILE).await["changes"], json!([]));
}

/// Members that an object leaves out go back to their defaults; what the file does not mention stays.
#[tokio::test]
async fn what_is_left_out_of_an_object_is_unset() {
    let house = House::open().await;
    apply(&house, FILE).await;
    let changed = r#"version: 1
agents:
  daily/summary:
    tags: [nightly]
    schedule: {cron: "0 3 * * *", timezone: Europe/Berlin}
guard: {daily cap: {spend_of: agent, window: day, limit_usd: 20.5}}
"#;
    let outcome = apply(&house, changed).await;
    let expected = json!([
        {"op": "update", "what": "agents.daily/summary", "field": "description", "from": "At night"},
        {"op": "update", "what": "agents.daily/summary.schedule", "field": "cron", "from": "0 2 * * *", "to": "0 3 * * *"},
        {"op": "update", "what": "agents.daily/summary.schedule", "field": "tolerance_s", "from": 900, "to": 600},
        {"op": "update", "what": "guard.daily cap", "field": "limit_usd", "from": 20, "to": 20.5},
        {"op": "update", "what": "guard.daily cap", "field": "match.agent", "from": "*"},
    ]);
    assert_eq!(outcome["changes"], expected);
    assert_eq!(house.get("/v1/team").await.ok()["spend"]["sigma"], json!(3.0));
    assert_eq!(house.get("/v1/agents/daily%2Fsummary/checks").await.ok()["checks"].as_array().unwrap().len(), 1);
    assert_eq!(house.get("/v1/agents/hourly/schedule").await.ok()["every_s"], 3_600);
}

/// AC-67: an apply never lifts a pause or a mute, not even by deleting.
#[tokio::test]
async fn ac_67_an_apply_lifts_no_pause() {
    let house = House::open().await;
    apply(&house, FILE).await;
    house.put("/v1/agents/hourly/pause", &Value::Null).await.ok();
    house.put("/v1/agents/hourly/mute", &json!({"until": "2026-05-16T00:00:00Z"})).await.ok();
    apply(&house, FILE).await;
    pruned(&house, "version: 1").await;
    apply(&house, FILE).await;
    let agent = house.get("/v1/agents/hourly").await.ok();
    assert_eq!((&agent["paused"], &agent["muted"]), (&json!(true), &json!(true)));
}

#[tokio::test]
async fn a_file_is_applied_on_condition_or_not_at_all() {
    let house = House::open().await;
    let tag = house.get("/v1/config").await.etag();
    let dry = house.put("/v1/config", &json!({"yaml": FILE, "dry_run": true})).await.ok();
    assert_eq!((&dry["applied"], dry["changes"].as_array().unwrap().is_empty()), (&json!(false), false));
    assert_eq!(house.get("/v1/config").await.etag(), tag);
    let put = async |tag: &str, yaml: &str| {
        house.change_as(KEY_A, Method::PUT, "/v1/config", &json!({ "yaml": yaml }), &[("if-match", tag)]).await
    };
    put(&tag, FILE).await.ok();
    assert_refusal(&put(&tag, "version: 1").await, 412, "stale", None);
    // A plan with too few slots is a fault of the file.
    let many: String = (0..51).map(|number| format!("  a{number}: {{}}\n")).collect();
    let refusal = house.put("/v1/config", &json!({"yaml": format!("version: 1\nagents:\n{many}")})).await.with(400);
    assert_eq!((&refusal["faults"][0]["path"], &refusal["faults"][0]["line"]), (&json!("agents"), &json!(2)));
}
