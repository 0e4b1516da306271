//! Signing in and out, and keys that may only read.

use serde_json::json;
use tidegate_tests::browser::browse;

use crate::furniture::furnish;
use crate::scene::Scene;

/// Where the page's forms that change something lead.
const CHANGES: &str =
    "return [...document.querySelectorAll('form[method=post]')].map(one => one.getAttribute('action'))";

/// A sign-out ends the session also for whoever has kept its cookie.
#[test]
fn signing_out_ends_the_session() {
    browse(async |browser| {
        let scene = Scene::begin().await;
        let home = scene.sign_in(browser).await;
        let cookie = browser.cookie().await;
        let overview = async || scene.team.client.get(&home).header("Cookie", &cookie).send().await;
        overview().await.expect(200);
        assert_eq!(browser.script("return document.cookie").await, "", "no script reads it");
        browser.press("Sign out").await;
        browser.is_at("/login").await;
        browser.open(&home).await;
        browser.is_at("/login").await;
        let refused = overview().await;
        assert_eq!((refused.status, refused.header("location")), (303, Some("/login")));
    });
}

/// AC-81: a key that may only read sees every page, without a form that changes anything, and what such a form sends is
/// refused.
#[test]
fn ac_81_a_read_key_sees_and_changes_nothing() {
    browse(async |browser| {
        let scene = Scene::begin().await;
        let made = furnish(&scene, "nightly").await;
        let key = scene.target.manage(&["keys", "create", "--team", &scene.team.id, "--access", "read"]).await;
        let home = scene.sign_in_as(browser, key["key"].as_str().unwrap()).await;
        for (name, path) in made.pages() {
            browser.open(&format!("{home}{path}")).await;
            browser.shows(".who", "read only").await;
            assert_eq!(browser.script(CHANGES).await, json!(["/logout"]), "{name}");
            let text = browser.text("body").await;
            assert!(!text.contains("hooks.example.com"), "{name}: the target of a route");
        }
        browser.expects("403");
        let sent = format!(
            "const csrf = document.querySelector('[name=csrf]').value;
             const form = {{method: 'POST', body: new URLSearchParams({{csrf}})}};
             return (await fetch('{home}/agents/nightly/resume', form)).status"
        );
        assert_eq!(browser.script(&sent).await, 403);
        assert_eq!(scene.team.read("/v1/agents/nightly").await.json()["paused"], true);
    });
}
