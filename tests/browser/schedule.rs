//! A schedule, set on a page, missed, and recovered.

use serde_json::json;
use tidegate_tests::browser::browse;

use crate::scene::Scene;

const MINUTE_MS: i64 = 60_000;

/// A slot that is missed opens an incident, which the next run resolves; the pages say so.
#[test]
fn a_missed_slot_is_an_incident_until_the_next_run() {
    browse(async |browser| {
        let scene = Scene::begin().await;
        scene.target.set_clock(0).await;
        let beat = json!({"agent": "job", "status": "ok"});
        scene.team.heartbeat(&beat).await.expect(202);
        scene.reads("/v1/agents/job", "is there", |_| true).await;
        let home = scene.sign_in(browser).await;
        browser.open(&format!("{home}/agents/job")).await;
        browser.press("Set a schedule").await;
        browser.fill("or every … seconds", "600").await;
        browser.fill("Tolerance in seconds", "300").await;
        browser.press("Set").await;
        browser.shows("main", "Next slots").await;
        scene.target.set_clock(16 * MINUTE_MS).await;
        browser.shows("h1", "down").await;
        browser.shows("main", "schedule_missed").await;
        let slots = "return [...document.querySelectorAll('.slots li')].map(one => one.className + ' ' + one.title)";
        let missed = browser.script(slots).await;
        assert!(missed[0].as_str().is_some_and(|one| one.starts_with("missed ")), "{missed}");
        browser.open(&home).await;
        browser.press("1 open incident").await;
        browser.is_at("/alerts").await;
        browser.shows("tbody", "schedule_missed").await;
        scene.target.set_clock(20 * MINUTE_MS + 10_000).await;
        scene.team.heartbeat(&beat).await.expect(202);
        scene.target.set_clock(22 * MINUTE_MS).await;
        browser.shows("section[aria-labelledby=open]", "No incident is open.").await;
        browser.shows("section[aria-labelledby=resolved] tbody", "schedule_missed").await;
        // Its page says what became of it; what is pressed there leads back to it.
        browser.press("schedule_missed").await;
        browser.is_at("/incidents/").await;
        browser.shows("h1", "resolved").await;
        browser.shows("section[aria-labelledby=slots] tbody", "missed").await;
        browser.shows("section[aria-labelledby=end]", "The slot of").await;
        browser.press("Mute").await;
        browser.is_at("/incidents/").await;
        browser.shows("h1", "muted").await;
        browser.press("Unmute the agent").await;
        browser.shows("section[aria-labelledby=quiet]", "Reason").await;
        browser.open(&format!("{home}/agents/job")).await;
        browser.shows("h1", "up").await;
    });
}
