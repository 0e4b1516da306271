//! The operators' pages.

use serde_json::json;
use tidegate_tests::browser::{Browser, browse};

use crate::hostile::{EVIL, FOREIGN};
use crate::looks::check;
use crate::scene::Scene;

/// The pages, and the names of their pictures.
const PAGES: [(&str, &str); 6] = [
    ("operators-pipeline", "/pipeline"),
    ("operators-organizations", "/agentgate"),
    ("operators-runs", "/agentgate/runs"),
    ("operators-queue", "/agentgate/queue"),
    ("operators-workers", "/agentgate/workers"),
    ("operators-webhooks", "/agentgate/webhooks"),
];

/// An organization with a run that waits.
async fn organization(scene: &Scene, name: &str) {
    let words = ["agentgate", "orgs", "create", name, "--included-cents", "20000"];
    let made = scene.target.manage(&words).await;
    let words = ["agentgate", "keys", "create", "--org", made["organization"].as_str().unwrap(), "--scopes", "*"];
    let key = scene.target.manage(&words).await;
    let order = json!({
        "taskPrompt": "Say hello",
        "workspaceSource": {"type": "git", "repository": "https://github.com/example/app"},
    });
    let url = format!("{}/v1/work-orders", scene.target.agentgate());
    let answer = scene.team.client.post(&url).bearer(key["key"].as_str().unwrap()).json(&order).send().await;
    assert!((200..300).contains(&answer.status), "{answer}");
}

/// AC-78 there, too: what is known of customers is an organization's name, and that is text.
async fn is_plain(browser: &Browser, name: &str) {
    assert_eq!(browser.script(FOREIGN).await, json!([]), "{name}");
}

/// They fit at both widths, in light and in dark, and axe-core finds nothing serious.
#[test]
fn operators_pages_fit_and_are_accessible() {
    browse(async |browser| {
        let scene = Scene::begin().await;
        organization(&scene, EVIL).await;
        let ops = &scene.target.ops[0];
        browser.open(ops).await;
        browser.is_at("/pipeline").await;
        for (name, path) in PAGES {
            browser.open(&format!("{ops}{path}")).await;
            check(browser, name).await;
            is_plain(browser, name).await;
        }
        browser.open(&format!("{ops}/agentgate")).await;
        browser.shows("tbody", EVIL).await;
    });
}
