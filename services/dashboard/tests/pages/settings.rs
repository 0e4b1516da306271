//! What forms set of agents, routes, rules and badges.

use reqwest::StatusCode;
use serde_json::{Value, json};
use tidegate_agentping::HeartbeatStatus;

use crate::house::*;
use crate::spoken::Spoken;

const AGENT: &str = "/teams/acme/agents/nightly";

async fn press(house: &House, cookie: &str, csrf: &str, path: &str, fields: &str) -> Answer {
    house.post(Some(cookie), path, &format!("csrf={csrf}&{fields}")).await
}

async fn api(house: &House, path: &str) -> Value {
    serde_json::from_str(&house.api(path).await.text).unwrap()
}

#[tokio::test]
async fn an_agent_is_described_and_deleted() {
    let house = House::open().await;
    let cookie = house.sign_in(KEY_A).await;
    let csrf = house.get(Some(&cookie), AGENT).await.csrf();
    let done = press(&house, &cookie, &csrf, &format!("{AGENT}/describe"), "description=Sums+up&tags=a,+b+c,").await;
    assert_eq!((done.status, done.location()), (StatusCode::SEE_OTHER, Some(AGENT)), "{}", done.text);
    let agent = api(&house, "/v1/agents/nightly").await;
    assert_eq!((&agent["description"], &agent["tags"]), (&json!("Sums up"), &json!(["a", "b c"])));
    house.get(Some(&cookie), AGENT).await.has(&["value=\"a, b c\"", "Sums up"]);
    press(&house, &cookie, &csrf, &format!("{AGENT}/describe"), "description=&tags=").await;
    assert_eq!(api(&house, "/v1/agents/nightly").await.get("description"), None);
    press(&house, &cookie, &csrf, &format!("{AGENT}/routes"), "mode=only&routes=").await;
    assert_eq!(api(&house, "/v1/agents/nightly").await["routes"], json!([]));
    let unknown = press(&house, &cookie, &csrf, &format!("{AGENT}/routes"), "mode=add&routes=ops").await;
    assert!(
        unknown.status == StatusCode::CONFLICT && unknown.text.contains("names no route of the team"),
        "{}",
        unknown.text
    );
    let made = press(&house, &cookie, &csrf, "/teams/acme/new-agent", "agent=a%2Fnew+one").await;
    assert_eq!(made.location(), Some("/teams/acme/agents/a%2Fnew%20one"));
    house.get(Some(&cookie), "/teams/acme/agents").await.has(&["a/new one"]);
    let gone = press(&house, &cookie, &csrf, &format!("{AGENT}/delete"), "").await;
    assert_eq!((gone.status, gone.location()), (StatusCode::SEE_OTHER, Some("/teams/acme/agents")));
    house.get(Some(&cookie), "/teams/acme/agents").await.has_not(&[">nightly<"]);
    house.get(Some(&cookie), "/teams/acme/keys").await.has_not(&["tok_eu_"]);
}

#[tokio::test]
async fn a_check_is_made_and_deleted() {
    let house = House::open().await;
    let cookie = house.sign_in(KEY_A).await;
    let csrf = house.get(Some(&cookie), AGENT).await.csrf();
    let check = "check=%7B%22name%22:%22short%22,%22type%22:%22length%22,%22unit%22:%22characters%22,%22max%22:10%7D";
    let made = press(&house, &cookie, &csrf, &format!("{AGENT}/checks"), check).await;
    assert_eq!(made.location(), Some(AGENT), "{}", made.text);
    let page = house.get(Some(&cookie), AGENT).await;
    page.has(&["short", "max 10", "chk_eu_"]);
    for (bad, text) in [("check=short", "The check is no JSON"), ("check=%7B%22name%22:%22x%22%7D", "type")] {
        let refused = press(&house, &cookie, &csrf, &format!("{AGENT}/checks"), bad).await;
        assert!(refused.status == StatusCode::CONFLICT && refused.text.contains(text), "{}", refused.text);
    }
    let (_, id) = page.text.split_once("/checks/chk_eu_").unwrap();
    let path = format!("{AGENT}/checks/chk_eu_{}/delete", &id[..32]);
    assert_eq!(press(&house, &cookie, &csrf, &path, "").await.location(), Some(AGENT));
    house.get(Some(&cookie), AGENT).await.has(&["is not checked"]);
}

/// Keys are listed with what they may do, tokens with their agents and last digits; badges are made and deleted.
#[tokio::test]
async fn tokens_and_badges_are_made_on_the_page_of_keys() {
    let house = House::open().await;
    let cookie = house.sign_in(KEY_A).await;
    let page = house.get(Some(&cookie), "/teams/acme/keys").await;
    page.has(&["this session", "read and change", ">read<", "--access read", "tidegate keys create --team "]);
    let csrf = page.csrf();
    let made = press(&house, &cookie, &csrf, "/teams/acme/keys/tokens", "agent=new%2Fone").await;
    made.has(&[
        "ping_eu_",
        "It is shown this once",
        "agent=new%2Fone",
        "tidegate exec --agent",
        "data-await=\"/teams/acme/start?agent=new%2Fone\"",
    ]);
    let (_, rest) = made.text.split_once("/v1/ping?key=").unwrap();
    let token = rest.split("&amp;").next().unwrap();
    let page = house.get(Some(&cookie), "/teams/acme/keys").await;
    page.has(&[&format!("…{}", &token[36..]), "href=\"/teams/acme/agents/new%2Fone\""]);
    page.has_not(&[token]);
    let bad = press(&house, &cookie, &csrf, "/teams/acme/keys/tokens", "agent=").await;
    assert_eq!(bad.status, StatusCode::CONFLICT);
    press(&house, &cookie, &csrf, "/teams/acme/badges/new", "label=night&agent=nightly&tag=&late=no").await;
    let badges = api(&house, "/v1/badges").await;
    assert_eq!((&badges["badges"][0]["agent"], &badges["badges"][0]["late"]), (&json!("nightly"), &json!(false)));
    let page = house.get(Some(&cookie), "/teams/acme/keys").await;
    page.has(&["night", "/badge/"]);
    let id = badges["badges"][0]["id"].as_str().unwrap();
    press(&house, &cookie, &csrf, &format!("/teams/acme/badges/{id}/delete"), "").await;
    assert_eq!(api(&house, "/v1/badges").await["badges"], json!([]));
}

/// A token of an agent that has runs leads to the agent: nothing is waited for.
#[tokio::test]
async fn only_a_new_agent_is_waited_for() {
    let house = House::open().await;
    house.tell(team(1), run_id(1), start("nightly")).await;
    let cookie = house.sign_in(KEY_A).await;
    let csrf = house.get(Some(&cookie), AGENT).await.csrf();
    let made = press(&house, &cookie, &csrf, &format!("{AGENT}/tokens"), "").await;
    made.has(&["To the agent"]);
    made.has_not(&["data-await"]);
}

#[tokio::test]
async fn routes_and_rules_are_switched() {
    let (api, spoken) = Spoken::of(vec![
        ("GET /v1/routes/aroute_eu_1", json!({"id": "aroute_eu_1", "name": "ops", "kind": "webhook", "enabled": true})),
        ("PATCH /v1/routes/aroute_eu_1", json!({})),
        ("PATCH /v1/routes/aroute_eu_2", json!({})),
        ("PATCH /v1/routes/aroute_eu_3", json!({})),
        (
            "POST /v1/routes/aroute_eu_1/rotate-secret",
            json!({"secret": "whsec_second", "previous_until": "2026-05-16T12:00:00.000Z"}),
        ),
        ("GET /v1/routes", json!({"routes": []})),
        ("GET /v1/team", json!({"routes": ["ops", "late shift"]})),
        ("PATCH /v1/team", json!({})),
        ("GET /v1/guard/rules", json!({"rules": [{"id": "grl_eu_1", "name": "cap", "enabled": true, "limit_usd": 1}]})),
        ("PATCH /v1/guard/rules/grl_eu_1", json!({})),
    ]);
    let house = House::with_api(api).await;
    let cookie = house.sign_in(KEY_A).await;
    let page = house.get(Some(&cookie), "/teams/acme/routes").await;
    page.has(&["ops, late shift"]);
    let csrf = page.csrf();
    let press =
        async |path: &str, fields: &str| press(&house, &cookie, &csrf, &format!("/teams/acme{path}"), fields).await;
    house
        .get(Some(&cookie), "/teams/acme/routes/aroute_eu_1")
        .await
        .has(&["aroute_eu_1/disable", "Make another secret"]);
    let off = press("/routes/aroute_eu_1/disable", "").await;
    assert_eq!((off.status, off.location()), (StatusCode::SEE_OTHER, Some("/teams/acme/routes/aroute_eu_1")));
    assert_eq!(spoken.asked("PATCH /v1/routes/aroute_eu_1"), json!({"enabled": false}));
    press("/routes/aroute_eu_1/secret", "").await.has(&["whsec_second", "shown this once", "2026-05-16 12:00:00 UTC"]);
    for (id, fields, asked) in [
        ("aroute_eu_2", "digest=daily&digest_timezone=Europe%2FBerlin", json!(["daily", "Europe/Berlin"])),
        ("aroute_eu_3", "digest=&digest_timezone=UTC", json!([null, null])),
    ] {
        let set = press(&format!("/routes/{id}/digest"), fields).await;
        assert_eq!(set.location(), Some(format!("/teams/acme/routes/{id}").as_str()));
        let asked = json!({"digest": asked[0], "digest_timezone": asked[1]});
        assert_eq!(spoken.asked(&format!("PATCH /v1/routes/{id}")), asked);
    }
    assert_eq!(press("/routes/team", "routes=ops").await.location(), Some("/teams/acme/routes"));
    assert_eq!(spoken.asked("PATCH /v1/team"), json!({"routes": ["ops"]}));
    house.get(Some(&cookie), "/teams/acme/guard").await.has(&["grl_eu_1/disable"]);
    assert_eq!(press("/guard/rules/grl_eu_1/disable", "").await.location(), Some("/teams/acme/guard"));
    assert_eq!(spoken.asked("PATCH /v1/guard/rules/grl_eu_1"), json!({"enabled": false}));
}

/// AC-77: a form gives an agent another name, and the address of its page before leads to the one that it has now, unless
/// another agent has the name by then.
#[tokio::test]
async fn ac_77_an_agent_is_renamed() {
    let house = House::open().await;
    let cookie = house.sign_in(KEY_A).await;
    house.tell(team(1), run_id(1), heartbeat("nightly", HeartbeatStatus::Ok)).await;
    let page = house.get(Some(&cookie), AGENT).await;
    page.has(&["Rename the agent", "New name"]);
    let csrf = page.csrf();
    let id = api(&house, "/v1/agents/nightly").await["id"].clone();
    const RENAMED: &str = "/teams/acme/agents/by%20night";
    let done = press(&house, &cookie, &csrf, &format!("{AGENT}/rename"), "to=+by+night").await;
    assert_eq!((done.status, done.location()), (StatusCode::SEE_OTHER, Some(RENAMED)), "{}", done.text);
    let page = house.get(Some(&cookie), RENAMED).await;
    page.has(&["<h1>by night", id.as_str().unwrap(), &run_id(1).to_string()]);
    assert_eq!(api(&house, "/v1/agents/by%20night").await["id"], id);
    let old = house.get(Some(&cookie), AGENT).await;
    assert_eq!((old.status, old.location()), (StatusCode::SEE_OTHER, Some(RENAMED)));
    house.get(Some(&cookie), "/teams/acme/agents").await.has(&["by night"]);
    let taken = press(&house, &cookie, &csrf, &format!("{RENAMED}/rename"), "to=").await;
    assert_eq!(taken.status, StatusCode::CONFLICT, "{}", taken.text);
    let unsigned = house.post(Some(&cookie), &format!("{RENAMED}/rename"), "csrf=wrong&to=other").await;
    assert_eq!(unsigned.status, StatusCode::FORBIDDEN);
    // A new agent of the old name has that page.
    press(&house, &cookie, &csrf, "/teams/acme/new-agent", "agent=nightly").await;
    let fresh = house.get(Some(&cookie), AGENT).await;
    fresh.has(&["<h1>nightly"]);
    fresh.has_not(&[id.as_str().unwrap()]);
    let reader = house.sign_in(READ_KEY).await;
    house.get(Some(&reader), RENAMED).await.has_not(&["Rename the agent"]);
}
