//! The page of a run.

use serde_json::{Value, json};
use tidegate_tests::browser::browse;
use tidegate_tests::clock::{iso, now_ms};
use tidegate_tests::wire;

use crate::scene::Scene;

/// Where the marks of the waterfall end, in pixels.
const ENDS: &str =
    "return [...document.querySelectorAll('.events .span svg .fill')].map(one => one.getBoundingClientRect().right)";
/// What the link to the whole run leads to.
const JSON: &str = "return (await fetch(document.querySelector('a[download]').href)).json()";

/// Starts a run of `nightly` and one that it starts, with a call of a model and of a tool that fails.
async fn family(scene: &Scene) -> [String; 2] {
    let (team, run, child) = (&scene.team, scene.team.run_id(), scene.team.run_id());
    let at = |ms: i64| iso(now_ms() - 10_000 + ms);
    let start = json!({"id": run, "agent": "nightly", "started_at": at(0), "goal": "Sum up the day"});
    team.start(&start).await.expect(202);
    let call = json!({
        "provider": "acme", "model": "a-model", "input_tokens": 1200, "output_tokens": 300, "latency_ms": 1500,
    });
    let tool = json!({
        "tool": "search", "input": {"q": "tides"}, "output": "none found", "status": "error", "error": "timed out",
    });
    let event = |kind: &str, at: String, data: Value| {
        let id = team.event_id();
        json!({"external_id": id, "type": kind, "ts": at, "data": data})
    };
    let events = [
        event("log", at(3_000), json!({"message": "all done"})),
        event("llm_call", at(1_500), call),
        event("tool_call", at(2_000), tool),
    ];
    team.set_rate("acme", "a-model", "2", None, "8").await;
    team.batch(&run, &events).await.expect(202);
    let start = json!({"id": child, "agent": "helper", "started_at": at(2_500), "parent_run_id": run});
    team.start(&start).await.expect(202);
    team.finish(&child, &wire::with(wire::finish(), "finished_at", json!(at(2_800)))).await.expect(202);
    let end = json!({"status": "success", "finished_at": at(4_000), "output": {"pages": 3}});
    team.finish(&run, &end).await.expect(202);
    team.run_with_events(&run, 3).await;
    team.closed_run(&run).await;
    team.closed_run(&child).await;
    [run, child]
}

/// AC-75: events in their order with tokens, cost, errors and what they carry folded away; the run's parent and children;
/// all of it as JSON.
#[test]
fn ac_75_a_run_is_read_unfolded_and_followed() {
    browse(async |browser| {
        let scene = Scene::begin().await;
        let [run, child] = family(&scene).await;
        let home = scene.sign_in(browser).await;
        browser.open(&format!("{home}/runs/{run}")).await;
        browser.shows(".run-title", "success").await;
        browser.shows("main", "Sum up the day").await;
        let rows = browser.texts(".events > li").await;
        let has = |row: usize, parts: &[&str]| {
            assert!(parts.iter().all(|part| rows[row].contains(part)), "{parts:?} in row {row} of {rows:#?}");
        };
        assert_eq!(rows.len(), 3, "{rows:#?}");
        has(0, &["llm_call", "acme / a-model", "1,200 → 300", "$0.0048", "1.5 s"]);
        has(1, &["tool_call", "search: timed out", "error"]);
        has(2, &["log", "all done"]);
        // Folded: what the tool was given is not to be seen until its row is pressed, and again not after the next press.
        browser.shows_no(".events", "none found").await;
        browser.press_at(".events > li:nth-child(2) summary").await;
        browser.shows(".events .carried", "none found").await;
        browser.shows(".events .carried", "\"q\": \"tides\"").await;
        browser.press_at(".events > li:nth-child(2) summary").await;
        browser.shows_no(".events", "none found").await;
        // The marks of the waterfall stand one after the other.
        let marks = browser.script(ENDS).await;
        let marks: Vec<f64> = serde_json::from_value(marks).unwrap();
        assert!(marks.len() == 3 && marks.is_sorted(), "{marks:?}");
        let json = browser.script(JSON).await;
        let api = scene.team.read(&format!("/v1/runs/{run}")).await.expect(200).json();
        // The file has the events by their ids, as its pages come, and the API by their times.
        let [json, api] = [json, api].map(|mut run| {
            let id = |event: &Value| event["external_id"].as_str().map(str::to_owned);
            run["events"].as_array_mut().unwrap().sort_by_key(id);
            run
        });
        assert_eq!(json, api);
        browser.press("helper").await;
        browser.is_at(&format!("/runs/{child}")).await;
        browser.press_at(&format!(".tree a[href$='{run}']")).await;
        browser.is_at(&format!("/runs/{run}")).await;
    });
}
