//! What pages change, they change by the API of the team, in the name of the session.

use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::house::*;

const AGENT: &str = "/teams/acme/agents/nightly";

struct Browser {
    house: House,
    cookie: String,
    csrf: String,
}

impl Browser {
    async fn of(house: House, key: &str) -> Self {
        let cookie = house.sign_in(key).await;
        let csrf = house.get(Some(&cookie), AGENT).await.csrf();
        Browser { house, cookie, csrf }
    }

    async fn page(&self, path: &str) -> Answer {
        self.house.get(Some(&self.cookie), path).await
    }

    async fn press(&self, path: &str, fields: &str) -> Answer {
        self.house.post(Some(&self.cookie), path, &format!("csrf={}&{fields}", self.csrf)).await
    }

    async fn api(&self, path: &str) -> Value {
        serde_json::from_str(&self.house.api(path).await.text).unwrap()
    }
}

fn assert_back(answer: &Answer, to: &str) {
    assert_eq!((answer.status, answer.location()), (StatusCode::SEE_OTHER, Some(to)), "{}", answer.text);
}

#[tokio::test]
async fn an_agent_is_paused_and_resumed() {
    let browser = Browser::of(House::open().await, KEY_A).await;
    browser
        .page(AGENT)
        .await
        .has(&["action=\"/teams/acme/agents/nightly/pause\"", "action=\"/teams/acme/agents/nightly/mute\""]);
    assert_back(&browser.press(&format!("{AGENT}/pause"), "note=costs+too+much").await, AGENT);
    assert_eq!(browser.api("/v1/agents/nightly").await["paused"], true);
    browser.page(AGENT).await.has(&[" paused</span>", "action=\"/teams/acme/agents/nightly/resume\""]);
    assert_back(&browser.press(&format!("{AGENT}/resume"), "").await, AGENT);
    assert_eq!(browser.api("/v1/agents/nightly").await["paused"], false);
    assert_back(&browser.press(&format!("{AGENT}/mute"), "hours=720&reason=holidays").await, AGENT);
    assert_eq!(browser.api("/v1/agents/nightly").await["muted"], true);
    assert_back(&browser.press(&format!("{AGENT}/unmute"), "").await, AGENT);
    assert_eq!(browser.api("/v1/agents/nightly").await["muted"], false);
    // Each is noted down under the id of the session's key.
    let key = browser.house.key_a.to_string();
    browser.page("/teams/acme/config").await.has(&["pause.create", "pause.delete", "mute.create", &key]);
}

#[tokio::test]
async fn a_schedule_is_set_and_previewed() {
    let browser = Browser::of(House::open().await, KEY_A).await;
    browser.page(AGENT).await.has(&["No runs are expected of it."]);
    let fields = "cron=30+2+*+*+*&timezone=Europe%2FBerlin&tolerance_s=900&every_s=&max_runtime_s=3600";
    assert_back(&browser.press(&format!("{AGENT}/schedule"), fields).await, AGENT);
    let schedule = browser.api("/v1/agents/nightly/schedule").await;
    assert_eq!(
        (&schedule["cron"], &schedule["tolerance_s"], &schedule["max_runtime_s"]),
        (&json!("30 2 * * *"), &json!(900), &json!(3600))
    );
    browser.page(AGENT).await.has(&[
        "30 2 * * *",
        "Europe/Berlin",
        "15 min 00 s",
        "Next slots",
        "2026-05-16T02:30:00+02:00",
        "2026-05-16 00:30:00 UTC",
    ]);
    let refused = browser.press(&format!("{AGENT}/schedule"), "cron=30+2+*+*+*&tolerance_s=59").await;
    assert_eq!(refused.status, StatusCode::CONFLICT);
    assert!(refused.text.contains("tolerance_s"), "{}", refused.text);
    assert_back(&browser.press(&format!("{AGENT}/unschedule"), "").await, AGENT);
    browser.page(AGENT).await.has(&["No runs are expected of it."]);
}

/// What is refused says why, and leads back to the page of the form.
#[tokio::test]
async fn a_refused_form_leads_back() {
    let browser = Browser::of(House::open().await, KEY_A).await;
    let from = "http://localhost:8081/teams/acme/agents/nightly?x=1";
    let press = async |path: &str, fields: &str, from: &str| {
        let form = format!("csrf={}&{fields}", browser.csrf);
        browser.house.post_with(Some(&browser.cookie), path, &form, &[("referer", from)]).await
    };
    let refused = press(&format!("{AGENT}/schedule"), "cron=never", from).await;
    assert_eq!(refused.status, StatusCode::CONFLICT);
    assert!(refused.text.contains("href=\"/teams/acme/agents/nightly?x=1\">Back to the page"), "{}", refused.text);
    // What was filled in is not lost, but for secrets.
    for text in ["What you filled in", "<dt class=\"note\">cron</dt>", ">never</pre>"] {
        assert!(refused.text.contains(text), "{text} in {}", refused.text);
    }
    assert!(!refused.text.contains(&browser.csrf), "{}", refused.text);
    let secret = press("/teams/acme/routes/new", "name=%3Cb%3E&kind=slack&target=no-url-but-a-secret", from).await;
    assert_eq!(secret.status, StatusCode::CONFLICT, "{}", secret.text);
    assert!(secret.text.contains("&lt;b&gt;</pre>") && !secret.text.contains("<b>"), "{}", secret.text);
    assert!(!secret.text.contains("but-a-secret</pre>"), "{}", secret.text);
    let unknown = press("/teams/acme/badges/new", "label=x&agent=nobody", from).await;
    assert_eq!(unknown.status, StatusCode::NOT_FOUND);
    assert!(
        unknown.text.contains("There is no agent 'nobody'.") && unknown.text.contains("Back to"),
        "{}",
        unknown.text
    );
    for from in ["http://localhost:8081/login", "nonsense", "javascript:alert(1)"] {
        let refused = press(&format!("{AGENT}/schedule"), "cron=never", from).await;
        assert!(!refused.text.contains("Back to the page"), "{from}: {}", refused.text);
    }
}

#[tokio::test]
async fn the_whole_team_is_paused_and_muted() {
    let browser = Browser::of(House::open().await, KEY_A).await;
    for path in ["pause", "resume", "unmute"] {
        assert_back(&browser.press(&format!("/teams/acme/{path}"), "").await, "/teams/acme/guard");
    }
    assert_back(&browser.press("/teams/acme/mute", "hours=24").await, "/teams/acme/guard");
    for hours in ["", "0", "721", "x"] {
        assert_eq!(
            browser.press("/teams/acme/mute", &format!("hours={hours}")).await.status,
            StatusCode::CONFLICT,
            "{hours}"
        );
    }
}

/// AC-86: a file with faults changes nothing, and each fault is named with its line.
#[tokio::test]
async fn a_file_is_compared_on_the_page() {
    let browser = Browser::of(House::open().await, KEY_A).await;
    let compare = async |yaml: &str| {
        let yaml: String = yaml.bytes().map(|byte| format!("%{byte:02X}")).collect();
        browser.press("/teams/acme/config/diff", &format!("yaml={yaml}")).await
    };
    let file = "version: 1\nagents:\n  nightly:\n    schedule: {cron: \"0 2 * * *\"}\n";
    compare(file).await.has(&["agents.nightly", "create", "cron: &quot;0 2 * * *&quot;"]);
    let faulty = "version: 1\nagents:\n  nightly:\n    schedule: {cron: \"0 2 * * * *\"}\n    colour: red\n";
    compare(faulty).await.has(&["line 4: ", "line 5: "]);
    browser.page(AGENT).await.has(&["No runs are expected of it."]);
}

/// AC-81: a read key sees the pages and changes nothing.
#[tokio::test]
async fn a_read_key_changes_nothing() {
    let browser = Browser::of(House::open().await, READ_KEY).await;
    for path in ["", "/agents/nightly", "/guard", "/routes", "/alerts", "/config", "/start", "/keys"] {
        let page = browser.page(&format!("/teams/acme{path}")).await;
        page.has(&["read only"]);
        assert_eq!(page.text.matches("method=\"post\"").count(), 1, "{path}: the one form is that of the sign-out");
    }
    for path in ["pause", "resume", "mute", "unmute", "schedule", "unschedule", "tokens"] {
        let answer = browser.press(&format!("{AGENT}/{path}"), "hours=1&cron=@daily").await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{path}");
    }
    assert_eq!(browser.api("/v1/agents/nightly").await["paused"], false);
}
