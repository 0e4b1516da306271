//! Changes that people make on pages.

use serde_json::json;
use tidegate_tests::browser::browse;

use crate::scene::{Scene, pasted};

#[test]
fn an_agent_is_paused_and_resumed() {
    browse(async |browser| {
        let scene = Scene::begin().await;
        scene.team.heartbeat(&json!({"agent": "nightly", "status": "ok"})).await.expect(202);
        let home = scene.sign_in(browser).await;
        scene.reads("/v1/agents/nightly", "is there", |_| true).await;
        browser.open(&format!("{home}/agents/nightly")).await;
        browser.fill("Note", "costs too much").await;
        browser.press("Pause").await;
        browser.shows("h1", "paused").await;
        let asked = json!({"agent": "nightly"});
        assert_eq!(scene.set("POST", "/v1/guard/check", &asked).await["decision"], "block");
        browser.press("Resume").await;
        browser.shows_no("h1", "paused").await;
        assert_eq!(scene.set("POST", "/v1/guard/check", &asked).await["decision"], "allow");
    });
}

/// AC-74: the line of a token that was just made is a ping as it is, and so is the form with a header; afterwards the page
/// has the secret no more.
#[test]
fn ac_74_the_lines_of_a_new_token_are_pings() {
    browse(async |browser| {
        let scene = Scene::begin().await;
        scene.set("POST", "/v1/agents", &json!({"agent": "a job/één"})).await;
        let home = scene.sign_in(browser).await;
        browser.open(&format!("{home}/agents/a%20job%2F%C3%A9%C3%A9n")).await;
        browser.press("Make a ping token for a job/één").await;
        browser.shows("h1", "A ping token for a job/één").await;
        let lines = browser.texts("figure.code pre").await;
        for line in &lines[..2] {
            assert!(line.contains("ping_") && !line.contains("apk_"), "{line}");
            assert_eq!(pasted(line).await.trim(), "OK", "{line}");
        }
        let (_, secret) = lines[0].split_once("key=").unwrap();
        let secret = secret.split('&').next().unwrap();
        let listed = |page: &serde_json::Value| page["runs"].as_array().is_some_and(|runs| runs.len() == 2);
        scene.reads("/v1/runs?agent=a%20job%2F%C3%A9%C3%A9n", "has both runs", listed).await;
        browser.open(&format!("{home}/agents/a%20job%2F%C3%A9%C3%A9n")).await;
        browser.shows("main", "tok_eu_").await;
        let source = browser.script("return document.documentElement.outerHTML").await;
        assert!(!source.as_str().unwrap().contains(secret), "AC-72");
    });
}
