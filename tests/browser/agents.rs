//! The list of agents: searched, sorted and filtered.

use serde_json::json;
use tidegate_tests::browser::{Browser, SHOWN, browse};
use tidegate_tests::eventually;

use crate::scene::Scene;

/// Waits until the table has these agents, in this order.
async fn lists(browser: &Browser, agents: &[&str]) {
    eventually(SHOWN, "the agents are listed", async || {
        let found = browser.texts("#found tbody th a").await;
        if found == agents { Ok(()) } else { Err(format!("{found:?} and not {agents:?}")) }
    })
    .await;
}

/// Search and order work while one types and chooses, without a button; states by their link on the overview.
#[test]
fn agents_are_searched_as_one_types() {
    browse(async |browser| {
        let scene = Scene::begin().await;
        for (agent, status, cost) in [("alpha", "ok", 1), ("beta/x", "error", 3), ("gamma", "ok", 2)] {
            let beat = json!({"agent": agent, "status": status, "cost_usd": cost});
            scene.team.heartbeat(&beat).await.expect(202);
        }
        let is_judged = |page: &serde_json::Value| page["agents"].as_array().is_some_and(|agents| agents.len() == 3);
        scene.reads("/v1/status", "has the agents", is_judged).await;
        let home = scene.sign_in(browser).await;
        browser.open(&format!("{home}/agents")).await;
        lists(browser, &["alpha", "beta/x", "gamma"]).await;
        browser.choose("Order", "Cost today").await;
        lists(browser, &["beta/x", "gamma", "alpha"]).await;
        browser.fill("Search", "A").await;
        browser.keys("M").await;
        lists(browser, &["gamma"]).await;
        browser.is_at("q=AM").await;
        browser.fill("Search", "no such agent").await;
        lists(browser, &[]).await;
        browser.shows("#found", "No agent").await;
        browser.fill("Search", "b").await;
        lists(browser, &["beta/x"]).await;
        browser.press("beta/x").await;
        browser.is_at("/agents/beta%2Fx").await;
        browser.shows("h1", "beta/x").await;
    });
}
