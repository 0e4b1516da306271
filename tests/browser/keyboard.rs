//! The dashboard without a mouse.

use fantoccini::key::Key;
use serde_json::{Value, json};
use tidegate_tests::browser::{Browser, browse};

use crate::furniture::furnish;
use crate::scene::Scene;

/// What has the focus: what it says, whether it is in sight, and how it is marked.
const FOCUSED: &str = "const one = document.activeElement;
    const style = getComputedStyle(one), box = one.getBoundingClientRect();
    const inside = box.right > 0 && box.bottom > 0 && box.left < innerWidth && box.top < innerHeight;
    return {
        name: one.id || one.name || one.innerText.trim(),
        seen: box.width > 0 && box.height > 0 && inside,
        marked: style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 2,
    }";

/// Presses Tab until something of this name has the focus; what had it on the way.
async fn tab_to(browser: &Browser, name: &str) -> Vec<String> {
    let mut passed = Vec::new();
    for _ in 0..60 {
        browser.keys(&Key::Tab).await;
        let focused: Value = browser.script(FOCUSED).await;
        let found = focused["name"].as_str().unwrap().to_owned();
        assert_eq!(
            (&focused["seen"], &focused["marked"]),
            (&json!(true), &json!(true)),
            "the focus is on '{found}', unseen: {focused}"
        );
        passed.push(found);
        if passed.last().is_some_and(|last| last == name) {
            return passed;
        }
    }
    panic!("'{name}' is not reached: {passed:?}");
}

/// Tab goes through the page in its order, and the focus is always to be seen; Enter follows links and sends forms.
#[test]
fn everything_is_reached_by_tab_and_sent_by_enter() {
    browse(async |browser| {
        let scene = Scene::begin().await;
        furnish(&scene, "nightly").await;
        let home = scene.sign_in(browser).await;
        browser.open(&format!("{home}/agents")).await;
        let passed = tab_to(browser, "sort").await;
        assert_eq!(passed[0], "Skip to the page");
        let at =
            |name: &str| passed.iter().position(|one| one == name).unwrap_or_else(|| panic!("'{name}' in {passed:?}"));
        assert!(at("Overview") < at("Agents") && at("Agents") < at("Configuration"), "{passed:?}");
        assert!(at("Configuration") < at("Sign out") && at("Sign out") < at("q"), "{passed:?}");
        // The skip link leads past the menu.
        browser.open(&format!("{home}/agents")).await;
        tab_to(browser, "Skip to the page").await;
        browser.keys(&Key::Enter).await;
        assert_eq!(tab_to(browser, "q").await, ["q"]);
        browser.keys("night").await;
        browser.keys(&Key::Enter).await;
        browser.is_at("q=night").await;
        browser.shows("#found", "nightly").await;
        tab_to(browser, "nightly").await;
        browser.keys(&Key::Enter).await;
        browser.is_at("/agents/nightly").await;
        browser.shows("h1", "paused").await;
        tab_to(browser, "Resume").await;
        browser.keys(&Key::Enter).await;
        browser.shows_no("h1", "paused").await;
        tab_to(browser, "note").await;
        browser.keys("by keyboard").await;
        browser.keys(&Key::Enter).await;
        browser.shows("h1", "paused").await;
    });
}
