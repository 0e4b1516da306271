//! Pages that keep themselves up to date.

use serde_json::{Value, json};
use tidegate_tests::browser::{SHOWN, browse};
use tidegate_tests::{eventually, wire};

use crate::scene::Scene;

/// A value that a page keeps for as long as it is not loaded anew.
const MARK: &str = "window.mark = 'kept'";
/// How often the page has asked for itself.
const ASKED: &str =
    "return performance.getEntriesByType('resource').filter(one => one.initiatorType === 'fetch').length";

/// AC-73: pages that are open show a new run, its events and its end, without being loaded anew. What is unfolded stays so.
#[test]
fn ac_73_open_pages_follow_what_is_reported() {
    browse(async |browser| {
        let scene = Scene::begin().await;
        let home = scene.sign_in(browser).await;
        browser.shows("h1", "Waiting for the first ping").await;
        browser.script(MARK).await;
        let (team, run) = (&scene.team, scene.team.run_id());
        team.start(&wire::start(&run, "nightly")).await.expect(202);
        browser.shows("main", "nightly").await;
        browser.open(&format!("{home}/runs/{run}")).await;
        browser.script(MARK).await;
        browser.shows(".run-title", "running").await;
        let log = |message: &str| wire::with(wire::log_event(&team.event_id()), "data.message", json!(message));
        team.batch(&run, &[log("the first step")]).await.expect(202);
        browser.shows(".events", "the first step").await;
        browser.press_at(".events > li summary").await;
        team.batch(&run, &[log("the second step")]).await.expect(202);
        browser.shows(".events > li:nth-child(2)", "the second step").await;
        browser.shows(".events > li:first-child .carried", "the first step").await;
        team.finish(&run, &wire::finish()).await.expect(202);
        browser.shows(".run-title", "success").await;
        assert_eq!(browser.script("return window.mark").await, "kept", "the page was loaded anew");
    });
}

/// What has the focus, by what it says.
const FOCUSED: &str = "return document.activeElement.innerText";

/// A page that is renewed leaves the focus where it was, whatever has it.
#[test]
fn the_focus_stays_where_it_was() {
    browse(async |browser| {
        let scene = Scene::begin().await;
        let home = scene.sign_in(browser).await;
        let beat = json!({"agent": "nightly", "status": "ok"});
        scene.team.heartbeat(&beat).await.expect(202);
        scene.reads("/v1/agents/nightly", "is there", |_| true).await;
        for (runs, (focused, text)) in (2..).zip([
            ("form[action$='/pause'] button", "Pause"),
            ("details:has(form[action$='/schedule']) summary", "Set a schedule"),
        ]) {
            browser.open(&format!("{home}/agents/nightly")).await;
            browser.script(&format!("document.querySelector(\"main {focused}\").focus()")).await;
            assert_eq!(browser.script(FOCUSED).await, text);
            scene.team.heartbeat(&beat).await.expect(202);
            browser.shows(&format!(".runs tbody tr:nth-child({runs})"), "success").await;
            assert_eq!(browser.script(FOCUSED).await, text);
        }
    });
}

/// What a reader has begun to fill in is not taken away, wherever the focus is.
#[test]
fn a_page_leaves_a_begun_form_alone() {
    browse(async |browser| {
        let scene = Scene::begin().await;
        let home = scene.sign_in(browser).await;
        scene.team.heartbeat(&json!({"agent": "nightly", "status": "ok"})).await.expect(202);
        scene.reads("/v1/agents/nightly", "is there", |_| true).await;
        browser.open(&format!("{home}/agents/nightly")).await;
        browser.fill("Note", "costs too much").await;
        browser.script("document.activeElement.blur()").await;
        scene.team.heartbeat(&json!({"agent": "nightly", "status": "error"})).await.expect(202);
        let is_there = |page: &Value| page["runs"].as_array().is_some_and(|runs| !runs.is_empty());
        scene.reads("/v1/runs?status=failed", "has the failed run", is_there).await;
        // The page has asked for it, and once more: the first answer is dealt with.
        let since = browser.script(ASKED).await.as_u64().unwrap();
        eventually(SHOWN, "the page has asked twice more", async || {
            let asked = browser.script(ASKED).await.as_u64().unwrap();
            if asked >= since + 2 { Ok(()) } else { Err(format!("{asked} times")) }
        })
        .await;
        let note = browser.script("return document.querySelector('input[name=note]').value").await;
        assert_eq!(note, "costs too much");
        browser.press("Pause").await;
        browser.shows("h1", "paused").await;
    });
}
