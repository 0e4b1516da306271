//! Pages of what is watched, on an API that answers in the shapes of the specification (the control side: 9.3 to 9.5).

use reqwest::StatusCode;
use serde_json::{Value, json};
use tidegate_agentping::HeartbeatStatus;

use crate::house::*;
use crate::spoken::Spoken;

const EVIL: &str = "<script>alert(1)</script>";

fn status() -> Value {
    json!({
        "judged_until": "2026-05-15T11:59:58.000Z", "incidents_open": 1, "paused": false, "muted": true,
        "agents": [
            {"agent": "nightly", "state": "down", "since": "2026-05-15T02:10:00.000Z", "next_slot": "2026-05-16T00:30:00.000Z", "open_incidents": ["inc_eu_1"], "muted": false, "paused": false},
            {"agent": "alpha", "state": "up", "since": "2026-05-15T02:10:00.000Z", "open_incidents": [], "muted": true, "paused": true},
        ],
        "next_cursor": null,
    })
}

fn incidents() -> Value {
    json!({"incidents": [{
        "id": "inc_eu_1", "agent": EVIL, "kind": "schedule_missed", "status": "open", "severity": "error",
        "opened_at": "2026-05-15T02:45:00.000Z", "resolved_at": null, "slot": "2026-05-15T00:30:00.000Z", "run_id": null, "count": 3, "muted": true,
    }], "next_cursor": "more"})
}

fn route() -> Value {
    json!({"id": "aroute_eu_1", "name": EVIL, "kind": "webhook", "target": "https://hooks.example/…", "enabled": true, "min_severity": "info",
        "health": {"state": "failing", "reason": EVIL, "last_success_at": "2026-05-15T11:00:00.000Z"}})
}

async fn watched() -> (House, Spoken) {
    let deliveries = json!({"deliveries": [{
        "id": "whd_eu_1", "route": "ops", "incident_id": "inc_eu_1", "alert": "schedule_missed", "agent": "nightly", "edge": "firing", "status": "failed",
        "created_at": "2026-05-15T02:45:00.000Z", "body": "{\"alert\":\"schedule_missed\"}",
        "tries": [{"at": "2026-05-15T02:45:00.000Z", "status": 500, "error": EVIL, "answer": EVIL, "took_ms": 3}],
    }], "totals": {"made": 5, "sent": 2, "failed": 1, "muted": 1, "waiting": 1}, "next_cursor": null});
    let slots = json!({"slots": [
        {"at": "2026-05-15T00:30:00.000Z", "deadline": "2026-05-15T00:45:00.000Z", "outcome": "missed"},
        {"at": "2026-05-14T00:30:00.000Z", "deadline": "2026-05-14T00:45:00.000Z", "outcome": "unknown", "reason": "front_door"},
        {"at": "2026-05-13T00:30:00.000Z", "deadline": "2026-05-13T00:45:00.000Z", "outcome": "ok", "run_id": run_id(1).to_string()},
    ]});
    let rules = json!({"rules": [{"id": "grl_eu_1", "name": EVIL, "enabled": false, "action": "block", "match": {"agent": "*"}, "spend_of": "agent", "window": "day", "limit_usd": 20.35}]});
    let blocked = json!({"checks": [{
        "id": "gck_eu_1", "at": "2026-05-15T11:00:00.000Z", "request": {"agent": "nightly", "customer_ref": EVIL, "function": "send"},
        "blocked_by": ["grl_eu_1"], "rules": [
            {"id": "grl_eu_1", "name": EVIL, "triggered": true, "window": "day", "spend_of": "agent", "limit_usd": 20.35, "spent_usd": 21},
            {"id": "grl_eu_9", "name": "not reached", "triggered": false, "window": "day", "spend_of": "team", "limit_usd": 99, "spent_usd": 21},
        ],
    }], "next_cursor": "earlier"});
    let (api, spoken) = Spoken::of(vec![
        ("GET /v1/status", status()),
        ("GET /v1/guard/checks", blocked),
        ("GET /v1/incidents", incidents()),
        ("GET /v1/agents/nightly", json!({"agent": "nightly", "state": "down", "description": EVIL, "tags": [EVIL]})),
        (
            "GET /v1/agents/nightly/schedule",
            json!({"cron": "30 2 * * *", "timezone": "Europe/Berlin", "tolerance_s": 900, "enabled": false}),
        ),
        ("GET /v1/agents/nightly/slots", slots),
        ("GET /v1/guard/rules", rules),
        ("POST /v1/guard/rules", json!({"id": "grl_eu_2"})),
        ("DELETE /v1/guard/rules/grl_eu_1", Value::Null),
        ("GET /v1/routes", json!({"routes": [route()], "next_cursor": null})),
        ("POST /v1/routes", json!({"id": "aroute_eu_2", "name": "ops", "secret": "whsec_shown_once"})),
        ("GET /v1/routes/aroute_eu_1", route()),
        ("GET /v1/routes/aroute_eu_1/deliveries", deliveries),
        ("POST /v1/routes/aroute_eu_1/test", json!({"ok": false, "status": 500, "error": EVIL, "took_ms": 3})),
        ("POST /v1/deliveries/whd_eu_1/resend", json!({"id": "whd_eu_1", "route": "aroute_eu_1"})),
        ("GET /v1/config", json!({"yaml": "version: 1\nroutes: {ops: {url: \"${OPS_URL}\"}}\n"})),
        (
            "POST /v1/config/diff",
            json!({"changes": [{"op": "update", "what": "agents.nightly.schedule", "field": "tolerance_s", "from": 600, "to": 900}], "applied": false}),
        ),
        (
            "GET /v1/audit",
            json!({"entries": [{"at": "2026-05-15T11:00:00.000Z", "by": "key_eu_1", "action": "route.create", "what": EVIL}], "next_cursor": null}),
        ),
    ]);
    let house = House::with_api(api).await;
    house.tell(team(1), run_id(1), heartbeat("nightly", HeartbeatStatus::Ok)).await;
    (house, spoken)
}

#[tokio::test]
async fn pages_show_what_the_judge_says() {
    let (house, _) = watched().await;
    let cookie = house.sign_in(KEY_A).await;
    let page = async |path: &str| house.get(Some(&cookie), &format!("/teams/acme{path}")).await;
    page("").await.has(&[
        "1 open incident",
        "The team is muted",
        "Judged up to 2026-05-15 11:59:58 UTC",
        "/teams/acme/agents?state=down",
    ]);
    page("/agents").await.has(&["down", ">in 12 h<"]);
    page("/agents?state=up").await.has(&["0 of "]);
    page("/agents/nightly").await.has(&[
        "30 2 * * *",
        "class=\"missed\"",
        "unknown (front_door)",
        "class=\"ok\"",
        "schedule_missed",
        "off",
    ]);
    page("/alerts").await.has(&[
        "schedule_missed",
        "error",
        "2026-05-15 00:30:00 UTC",
        "/teams/acme/alerts?after=more#resolved",
        "/teams/acme/alerts?open_after=more#open",
        "data-live=\"5\"",
    ]);
    let later = page("/alerts?open_after=some").await;
    later.has(&["href=\"/teams/acme/alerts#open\">Newest"]);
    later.has_not(&["data-live", "alerts#resolved\">Newest"]);
    page("/alerts?agent=nightly").await.has(&[
        "Incidents of <a href=\"/teams/acme/agents/nightly\">nightly</a>",
        "/teams/acme/alerts?agent=nightly&amp;after=more#resolved",
    ]);
    page("/agents/nightly").await.has(&["href=\"/teams/acme/alerts?agent=nightly\">All its incidents"]);
    page("/guard").await.has(&["Paused agents", "action=\"/teams/acme/agents/alpha/resume\""]);
    page("/guard").await.has(&["grl_eu_1", "$20.35", "agent *", ">off<"]);
    let guard = page("/guard").await;
    guard.has(&[
        "Blocked in the last 30 days",
        "gck_eu_1",
        ">1 h ago<",
        "$21 of $20.35 in a day, spend of agent",
        "/teams/acme/guard?after=earlier#blocked",
    ]);
    guard.has(&["Spend is summed here"]);
    guard.has_not(&["not reached", "Pages of rules"]);
    page("/guard?after=earlier").await.has(&["href=\"/teams/acme/guard#blocked\""]);
    page("/routes").await.has(&[
        "https://hooks.example/…",
        "failing",
        "action=\"/teams/acme/routes/aroute_eu_1/test\"",
    ]);
    page("/routes/aroute_eu_1").await.has(&[
        "whd_eu_1",
        "schedule_missed",
        "500",
        "made",
        "{&quot;alert&quot;:&quot;schedule_missed&quot;}",
    ]);
    page("/config").await.has(&["${OPS_URL}", "route.create", "key_eu_1"]);
}

/// AC-78: what the API gives back of clients is text, too.
#[tokio::test]
async fn markup_in_settings_stays_text() {
    let (house, _) = watched().await;
    let cookie = house.sign_in(KEY_A).await;
    for path in ["/agents/nightly", "/alerts", "/guard", "/routes", "/routes/aroute_eu_1", "/config"] {
        let page = house.get(Some(&cookie), &format!("/teams/acme{path}")).await;
        page.has(&["&lt;script&gt;alert(1)&lt;/script&gt;"]);
        page.has_not(&[EVIL]);
    }
}

#[tokio::test]
async fn buttons_ask_the_api() {
    let (house, spoken) = watched().await;
    let cookie = house.sign_in(KEY_A).await;
    let csrf = house.get(Some(&cookie), "/teams/acme/guard").await.csrf();
    let press = async |path: &str, fields: &str| {
        house.post(Some(&cookie), &format!("/teams/acme{path}"), &format!("csrf={csrf}&{fields}")).await
    };
    let rule = press(
        "/guard/rules",
        "name=daily+cap&limit_usd=20.50&window=day&spend_of=agent&action=block&agent=*&customer_ref=",
    )
    .await;
    assert_eq!((rule.status, rule.location()), (StatusCode::SEE_OTHER, Some("/teams/acme/guard")));
    let sent = spoken.asked("POST /v1/guard/rules");
    let expected = json!({"name": "daily cap", "limit_usd": 20.50, "window": "day", "spend_of": "agent", "action": "block", "match": {"agent": "*"}});
    assert_eq!(sent, expected);
    assert_eq!(press("/guard/rules/grl_eu_1/delete", "").await.status, StatusCode::SEE_OTHER);
    spoken.asked("DELETE /v1/guard/rules/grl_eu_1");
    let made = press("/routes/new", "name=ops&kind=slack&target=https%3A%2F%2Fhooks.example%2Fx").await;
    made.has(&["whsec_shown_once", "shown this once"]);
    made.has_not(&["hooks.example"]);
    assert_eq!(
        spoken.asked("POST /v1/routes"),
        json!({"name": "ops", "kind": "slack", "url": "https://hooks.example/x"})
    );
    press("/routes/aroute_eu_1/test", "")
        .await
        .has(&["was not accepted, with status 500, after 3 ms", "&lt;script&gt;"]);
    let again = press("/deliveries/whd_eu_1/resend", "").await;
    assert_eq!((again.status, again.location()), (StatusCode::SEE_OTHER, Some("/teams/acme/routes/aroute_eu_1")));
    let compared = press("/config/diff", "yaml=version%3A+1").await;
    compared.has(&["agents.nightly.schedule", "tolerance_s", "600", "900", "version: 1</textarea>"]);
    assert_eq!(spoken.asked("POST /v1/config/diff"), json!({"yaml": "version: 1"}));
    assert_eq!(press("/routes/unknown/delete", "").await.status, StatusCode::NOT_FOUND);
}

/// A server without a judge, guard or routes says so.
#[tokio::test]
async fn what_is_not_there_is_said() {
    let (api, _) = Spoken::of(Vec::new());
    let house = House::with_api(api).await;
    let cookie = house.sign_in(KEY_A).await;
    for (path, text) in [("/alerts", "watches no agents"), ("/guard", "has no guard"), ("/routes", "sends no alerts")] {
        house.get(Some(&cookie), &format!("/teams/acme{path}")).await.has(&[text]);
    }
    assert_eq!(house.get(Some(&cookie), "/teams/acme/routes/aroute_eu_1").await.status, StatusCode::NOT_FOUND);
}
