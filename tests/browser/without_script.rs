//! Pages in a browser that runs no script.

use serde_json::json;
use tidegate_tests::browser::browse;

use crate::furniture::furnish;
use crate::scene::{Scene, pasted};

/// How many buttons are in sight that need script.
const OFFERED: &str =
    "return [...document.querySelectorAll('button.copy')].filter(one => one.checkVisibility()).length";

/// Pages are read, searched and changed by links and forms alone.
#[test]
fn pages_are_read_and_forms_work() {
    browse(async |browser| {
        browser.runs_no_script().await;
        let scene = Scene::begin().await;
        let made = furnish(&scene, "nightly").await;
        scene.team.heartbeat(&json!({"agent": "hourly", "status": "ok"})).await.expect(202);
        scene.reads("/v1/agents/hourly", "is there", |_| true).await;
        let home = scene.sign_in(browser).await;
        for (name, path) in made.pages() {
            browser.open(&format!("{home}{path}")).await;
            let heading = browser.text("h1").await;
            assert!(!heading.is_empty(), "{name}");
            assert_eq!(browser.script(OFFERED).await, 0, "{name}: what only script can do is offered");
        }
        browser.open(&format!("{home}/agents")).await;
        browser.fill("Search", "hour").await;
        browser.press_at("form[role=search] button").await;
        browser.is_at("q=hour").await;
        browser.shows("#found tbody th a", "hourly").await;
        assert_eq!(browser.texts("#found tbody th a").await, ["hourly"]);
        browser.press("hourly").await;
        browser.is_at("/agents/hourly").await;
        browser.fill("Note", "by hand").await;
        browser.press("Pause").await;
        browser.shows("h1", "paused").await;
        browser.open(&format!("{home}/runs/{}", made.run)).await;
        browser.press_at(".events summary").await;
        browser.shows(".events .carried", "1200").await;
    });
}

/// The page that waits for a first ping turns into the run also without script.
#[test]
fn the_waiting_page_turns_into_the_run() {
    browse(async |browser| {
        browser.runs_no_script().await;
        let scene = Scene::begin().await;
        let home = scene.sign_in(browser).await;
        browser.open(&format!("{home}/start")).await;
        browser.press("Make a ping token for nightly-report").await;
        browser.shows("h1", "A ping token for nightly-report").await;
        let line = browser.text("figure.code pre").await;
        browser.press("Wait on a page of its own").await;
        browser.shows("h1", "Waiting for the first ping").await;
        assert_eq!(pasted(&line).await.trim(), "OK");
        browser.is_at("/runs/run_").await;
    });
}
