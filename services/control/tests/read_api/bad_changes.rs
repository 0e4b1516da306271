//! Every bad change gets its refusal, and changes nothing.

use reqwest::Method;
use serde_json::{Value, json};

use crate::house::*;

fn long(chars: usize) -> String {
    "x".repeat(chars)
}

/// Method, path below `/v1`, body, code, field.
fn cases() -> Vec<(&'static str, &'static str, Value, &'static str, Option<&'static str>)> {
    const AGENTS: &str = "/agents";
    const ONE: &str = "/agents/nightly";
    const SCHEDULE: &str = "/agents/nightly/schedule";
    const PAUSE: &str = "/agents/nightly/pause";
    const MUTE: &str = "/agents/nightly/mute";
    const TOKENS: &str = "/agents/nightly/tokens";
    const TEAM: &str = "/team";
    let (invalid, unknown) = ("invalid_field", "unknown_field");
    let window = |members: Value| json!({ "maintenance": [members] });
    vec![
        ("POST", AGENTS, json!([]), invalid, None),
        ("POST", AGENTS, json!("nightly"), invalid, None),
        ("POST", AGENTS, json!(null), "invalid_json", None),
        ("POST", AGENTS, json!({}), invalid, Some("agent")),
        ("POST", AGENTS, json!({"agent": null}), invalid, Some("agent")),
        ("POST", AGENTS, json!({"agent": 5}), invalid, Some("agent")),
        ("POST", AGENTS, json!({"agent": ""}), invalid, Some("agent")),
        ("POST", AGENTS, json!({"agent": "  "}), invalid, Some("agent")),
        ("POST", AGENTS, json!({"agent": long(129)}), invalid, Some("agent")),
        ("POST", AGENTS, json!({"agent": "a\u{200b}b"}), invalid, Some("agent")),
        ("POST", AGENTS, json!({"agent": "a\u{0}b"}), invalid, Some("agent")),
        ("POST", AGENTS, json!({"agent": "x", "slug": "y"}), unknown, Some("slug")),
        ("POST", AGENTS, json!({"agent": "x", "id": "agt_eu_0"}), unknown, Some("id")),
        ("POST", AGENTS, json!({"agent": "x", "description": 1}), invalid, Some("description")),
        ("POST", AGENTS, json!({"agent": "x", "description": ""}), invalid, Some("description")),
        ("POST", AGENTS, json!({"agent": "x", "routes": ["none"]}), invalid, Some("routes[0]")),
        ("PATCH", ONE, json!([]), invalid, None),
        ("PATCH", ONE, json!({"agent": "other"}), unknown, Some("agent")),
        ("PATCH", ONE, json!({"paused": false}), unknown, Some("paused")),
        ("PATCH", ONE, json!({"schedule": {}}), unknown, Some("schedule")),
        ("PATCH", ONE, json!({"description": long(1_001)}), invalid, Some("description")),
        ("PATCH", ONE, json!({"description": "a\u{1b}[0m"}), invalid, Some("description")),
        ("PATCH", ONE, json!({"description": ["a"]}), invalid, Some("description")),
        ("PATCH", ONE, json!({"tags": "a"}), invalid, Some("tags")),
        ("PATCH", ONE, json!({"tags": [1]}), invalid, Some("tags[0]")),
        ("PATCH", ONE, json!({"tags": ["a", ""]}), invalid, Some("tags[1]")),
        ("PATCH", ONE, json!({"tags": ["a", " b"]}), invalid, Some("tags[1]")),
        ("PATCH", ONE, json!({"tags": ["a", "b", "a"]}), invalid, Some("tags[2]")),
        ("PATCH", ONE, json!({"tags": [long(65)]}), invalid, Some("tags[0]")),
        ("PATCH", ONE, json!({"tags": (0..21).map(|n| n.to_string()).collect::<Vec<_>>()}), invalid, Some("tags")),
        ("PATCH", ONE, json!({"routes": "none"}), invalid, Some("routes")),
        ("PATCH", ONE, json!({"routes": true}), invalid, Some("routes")),
        ("PATCH", ONE, json!({"routes": {}}), invalid, Some("routes.add")),
        ("PATCH", ONE, json!({"routes": {"add": "ops"}}), invalid, Some("routes.add")),
        ("PATCH", ONE, json!({"routes": {"remove": ["ops"]}}), unknown, Some("routes.remove")),
        ("PATCH", ONE, json!({"routes": {"add": ["none"]}}), invalid, Some("routes.add[0]")),
        ("PATCH", ONE, json!({"maintenance": {}}), invalid, Some("maintenance")),
        ("PATCH", ONE, window(json!("0 2 * * 0")), invalid, Some("maintenance[0]")),
        ("PATCH", ONE, window(json!({"cron": "0 2 * * 0"})), invalid, Some("maintenance[0].duration_s")),
        ("PATCH", ONE, window(json!({"duration_s": 60})), invalid, Some("maintenance[0].cron")),
        ("PATCH", ONE, window(json!({"cron": "x", "duration_s": 60})), invalid, Some("maintenance[0].cron")),
        ("PATCH", ONE, window(json!({"cron": "@daily", "duration_s": 59})), invalid, Some("maintenance[0].duration_s")),
        (
            "PATCH",
            ONE,
            window(json!({"cron": "@daily", "duration_s": 60, "timezone": "X/Y"})),
            invalid,
            Some("maintenance[0].timezone"),
        ),
        (
            "PATCH",
            ONE,
            window(json!({"cron": "@daily", "duration_s": 60, "zone": "UTC"})),
            unknown,
            Some("maintenance[0].zone"),
        ),
        ("PUT", SCHEDULE, json!([]), invalid, None),
        ("PUT", SCHEDULE, json!({}), invalid, Some("cron")),
        ("PUT", SCHEDULE, json!({"cron": null}), invalid, Some("cron")),
        ("PUT", SCHEDULE, json!({"cron": "@daily", "every_s": 60}), invalid, Some("cron")),
        ("PUT", SCHEDULE, json!({"cron": "0 0 2 * * *"}), invalid, Some("cron")),
        ("PUT", SCHEDULE, json!({"cron": "61 * * * *"}), invalid, Some("cron")),
        ("PUT", SCHEDULE, json!({"cron": "@yearly"}), invalid, Some("cron")),
        ("PUT", SCHEDULE, json!({"cron": "0 0 30 2 *"}), invalid, Some("cron")),
        ("PUT", SCHEDULE, json!({"cron": 5}), invalid, Some("cron")),
        ("PUT", SCHEDULE, json!({"cron": "@daily", "timezone": "Mars/Base"}), invalid, Some("timezone")),
        ("PUT", SCHEDULE, json!({"cron": "@daily", "timezone": ""}), invalid, Some("timezone")),
        ("PUT", SCHEDULE, json!({"cron": "@daily", "tolerance_s": 59}), invalid, Some("tolerance_s")),
        ("PUT", SCHEDULE, json!({"cron": "@daily", "tolerance_s": 2_419_201}), invalid, Some("tolerance_s")),
        ("PUT", SCHEDULE, json!({"cron": "@daily", "tolerance_s": "600"}), invalid, Some("tolerance_s")),
        ("PUT", SCHEDULE, json!({"cron": "@daily", "tolerance_s": 60.5}), invalid, Some("tolerance_s")),
        ("PUT", SCHEDULE, json!({"every_s": 59}), invalid, Some("every_s")),
        ("PUT", SCHEDULE, json!({"every_s": 31_536_001}), invalid, Some("every_s")),
        ("PUT", SCHEDULE, json!({"every_s": -60}), invalid, Some("every_s")),
        ("PUT", SCHEDULE, json!({"every_s": 60, "tolerance_s": 61}), invalid, Some("tolerance_s")),
        ("PUT", SCHEDULE, json!({"cron": "@daily", "max_runtime_s": 0}), invalid, Some("max_runtime_s")),
        ("PUT", SCHEDULE, json!({"cron": "@daily", "alert_after": 0}), invalid, Some("alert_after")),
        ("PUT", SCHEDULE, json!({"cron": "@daily", "recover_after": 721}), invalid, Some("recover_after")),
        ("PUT", SCHEDULE, json!({"cron": "@daily", "enabled": "no"}), invalid, Some("enabled")),
        ("PUT", SCHEDULE, json!({"cron": "@daily", "start_unseen": 1}), invalid, Some("start_unseen")),
        ("PUT", SCHEDULE, json!({"cron": "@daily", "judged_from": NOON}), unknown, Some("judged_from")),
        ("PUT", PAUSE, json!([]), invalid, None),
        ("PUT", PAUSE, json!({"until": "tomorrow"}), invalid, Some("until")),
        ("PUT", PAUSE, json!({"until": NOON}), invalid, Some("until")),
        ("PUT", PAUSE, json!({"until": 1_800_000_000}), invalid, Some("until")),
        ("PUT", PAUSE, json!({"note": long(501)}), invalid, Some("note")),
        ("PUT", PAUSE, json!({"reason": "x"}), unknown, Some("reason")),
        ("PUT", "/pause", json!({"agent": "x"}), unknown, Some("agent")),
        ("PUT", MUTE, json!(null), "invalid_json", None),
        ("PUT", MUTE, json!({}), invalid, Some("until")),
        ("PUT", MUTE, json!({"until": "2026-05-15T11:59:59Z"}), invalid, Some("until")),
        ("PUT", MUTE, json!({"until": "2026-06-14T12:00:01Z"}), invalid, Some("until")),
        ("PUT", MUTE, json!({"until": "2026-05-16T00:00:00Z", "reason": ""}), invalid, Some("reason")),
        ("PUT", MUTE, json!({"until": "2026-05-16T00:00:00Z", "note": "x"}), unknown, Some("note")),
        ("PUT", "/mute", json!({"reason": "x"}), invalid, Some("until")),
        ("POST", TOKENS, json!({"name": "x"}), unknown, Some("name")),
        ("POST", TOKENS, json!([]), invalid, None),
        ("PATCH", TEAM, json!([]), invalid, None),
        ("PATCH", TEAM, json!({"team": "x"}), unknown, Some("team")),
        ("PATCH", TEAM, json!({"plan": "business"}), unknown, Some("plan")),
        ("PATCH", TEAM, json!({"region": "us"}), unknown, Some("region")),
        ("PATCH", TEAM, json!({"routes": "ops"}), invalid, Some("routes")),
        ("PATCH", TEAM, json!({"routes": ["none"]}), invalid, Some("routes[0]")),
        ("PATCH", TEAM, json!({"routes": ["a", "a"]}), invalid, Some("routes[1]")),
        ("PATCH", TEAM, json!({"spend": 3}), invalid, Some("spend")),
        ("PATCH", TEAM, json!({"spend": {"sigma": 0}}), invalid, Some("spend.sigma")),
        ("PATCH", TEAM, json!({"spend": {"sigma": 100.5}}), invalid, Some("spend.sigma")),
        ("PATCH", TEAM, json!({"spend": {"sigma": "3"}}), invalid, Some("spend.sigma")),
        ("PATCH", TEAM, json!({"spend": {"min_usd": -1}}), invalid, Some("spend.min_usd")),
        ("PATCH", TEAM, json!({"spend": {"min_usd": "1"}}), invalid, Some("spend.min_usd")),
        ("PATCH", TEAM, json!({"spend": {"z": 1}}), unknown, Some("spend.z")),
        ("PATCH", TEAM, json!({"maintenance": [5]}), invalid, Some("maintenance[0]")),
    ]
}

/// AC-89 for input: a fault names its member, and nothing is changed.
#[tokio::test]
async fn ac_89_every_bad_change_has_its_refusal() {
    let house = House::open().await;
    house.with_agent("nightly", 1).await;
    let cases = cases();
    assert!(cases.len() >= 80);
    for (method, below, body, code, field) in cases {
        let method: Method = method.parse().unwrap();
        let answer = house.change(method.clone(), &format!("/v1{below}"), &body).await;
        let expected = (400, code.to_owned(), field.map(str::to_owned));
        assert_eq!(answer.refusal(), expected, "{method} {below} {body}: {}", answer.text);
    }
    assert_eq!(house.get("/v1/audit").await.ok()["entries"], json!([]));
}

#[tokio::test]
async fn a_body_that_cannot_be_read_is_refused() {
    let house = House::open().await;
    house.with_agent("nightly", 1).await;
    for body in ["{", "nothing", "{\"agent\": }", "\u{0}", &"[".repeat(5_000)] {
        let answer = house.post_as(Some(KEY_A), "/v1/agents", body.to_owned()).await;
        assert_refusal(&answer, 400, "invalid_json", None);
    }
    let large = house.post_as(Some(KEY_A), "/v1/agents", " ".repeat(100_000)).await;
    assert_refusal(&large, 413, "payload_too_large", None);
    let large = house.post_as(Some(KEY_READS), "/v1/agents", " ".repeat(100_000)).await;
    assert_refusal(&large, 403, "read_only", None);
}

/// Names in paths that are no names are as unknown as others.
#[tokio::test]
async fn a_path_that_names_nothing_is_not_found() {
    let house = House::open().await;
    house.with_agent("nightly", 1).await;
    for below in [
        "agents/%FF".to_owned(),
        "agents/%00".to_owned(),
        "agents/nightly%20".to_owned(),
        "agents/Nightly".to_owned(),
        format!("agents/{}", long(200)),
        "agents/nobody/schedule".to_owned(),
        "agents/%FF/tokens".to_owned(),
        "agents/nightly%2Fx".to_owned(),
    ] {
        assert_refusal(&house.get(&format!("/v1/{below}")).await, 404, "not_found", None);
    }
    for below in ["agents/nightly/tokens/x", "agents/nightly/tokens/%FF", "agents/%FF/tokens/x"] {
        assert_refusal(&house.delete(&format!("/v1/{below}")).await, 404, "not_found", None);
    }
    for path in ["/v1/agents/nightly?x=1", "/v1/team?x=1", "/v1/agents/nightly/schedule?x=1"] {
        assert_refusal(&house.get(path).await, 400, "unknown_field", Some("x"));
    }
}
