//! AC-75: the page of a run.

use serde_json::Value;
use tidegate_agentping::{Event, FinishStatus, Start};

use crate::house::*;

fn child(agent: &str, parent: u128) -> Start {
    Start { parent_run_id: Some(run_id(parent)), ..start(agent).at(NOON.plus_millis(50)) }
}

#[tokio::test]
async fn events_are_shown_in_order_with_what_they_carry() {
    let house = House::open().await;
    let goal = Start { goal: Some("Sum up the day".to_owned()), ..start("nightly").metadata("{\"host\":\"a1\"}") };
    house.tell(team(1), run_id(1), goal).await;
    let call =
        r#"{"provider":"anthropic","model":"a-model","input_tokens":1200,"output_tokens":300,"latency_ms":1500}"#;
    let tool = r#"{"tool":"search","input":{"q":"tides"},"output":"none found","status":"error","error":"timed out"}"#;
    let events = vec![
        event(3).kind("log").at(NOON.plus_millis(3_000)).data(r#"{"message":"done"}"#),
        event(1).llm("a-model", Some("0.0125")).at(NOON.plus_millis(1_500)).data(call),
        Event { errored: true, ..event(2).kind("tool_call").at(NOON.plus_millis(2_000)).data(tool) },
    ];
    house.tell(team(1), run_id(1), events).await;
    let end = finish(FinishStatus::Success).at(NOON.plus_millis(4_000)).output("{\"pages\":3}");
    house.tell(team(1), run_id(1), end).await;
    let page = house.page(&format!("/teams/acme/runs/{}", run_id(1))).await;
    page.has(&[
        &run_id(1).to_string(),
        "Sum up the day",
        "success",
        "4.0 s",
        "$0.0125",
        "anthropic / a-model",
        "1,200 → 300",
        "search: timed out",
        "none found",
        "&quot;q&quot;: &quot;tides&quot;",
        "&quot;pages&quot;: 3",
        "&quot;host&quot;: &quot;a1&quot;",
        "Cost by model",
        "<li class=\"error\"",
        "An event of the run reported an error",
        "1 error</span>",
        &format!("href=\"#{}\">tool_call at 12:00:02.000</a>", tidegate_agentping_testkit::event_id(2)),
        "Receipt",
        "Counts as",
        "5 events of the quota",
    ]);
    let at = |text: &str| page.text.find(text).unwrap_or_else(|| panic!("'{text}'"));
    assert!(at("anthropic / a-model") < at("search: timed out") && at("search: timed out") < at(">done<"));
}

/// Parents, children and theirs are linked, and other runs are not.
#[tokio::test]
async fn a_family_is_linked() {
    let house = House::open().await;
    house.tell(team(1), run_id(1), start("root")).await;
    house.tell(team(1), run_id(2), child("middle", 1)).await;
    house.tell(team(1), run_id(3), child("leaf", 2)).await;
    house.tell(team(1), run_id(4), start("stranger").at(NOON.plus_millis(60))).await;
    let cookie = house.sign_in(KEY_A).await;
    let link = |run: u128, agent: &str| format!("href=\"/teams/acme/runs/{}\">{agent}</a>", run_id(run));
    let (root, middle, leaf, stranger) = (link(1, "root"), link(2, "middle"), link(3, "leaf"), link(4, "stranger"));
    for (run, there) in [(1, [&middle, &leaf]), (2, [&root, &leaf]), (3, [&root, &middle])] {
        let page = house.get(Some(&cookie), &format!("/teams/acme/runs/{}", run_id(run))).await;
        page.has(&["Parent and children", "this run", there[0], there[1]]);
        page.has_not(&[&stranger]);
    }
    house.get(Some(&cookie), &format!("/teams/acme/runs/{}", run_id(4))).await.has_not(&["Parent and children"]);
}

/// Clients may name parents in a circle.
#[tokio::test]
async fn a_circle_of_parents_ends() {
    let house = House::open().await;
    house.tell(team(1), run_id(1), child("one", 2)).await;
    house.tell(team(1), run_id(2), child("two", 1)).await;
    house.tell(team(1), run_id(3), child("self", 3)).await;
    let cookie = house.sign_in(KEY_A).await;
    for run in [1, 2, 3] {
        house.get(Some(&cookie), &format!("/teams/acme/runs/{}", run_id(run))).await.ok();
    }
}

/// The run's JSON has what `GET /v1/runs/{id}` has.
#[tokio::test]
async fn the_json_is_that_of_the_api() {
    let house = House::open().await;
    house.tell(team(1), run_id(1), start("nightly").customer("acme")).await;
    house.tell(team(1), run_id(1), vec![event(1).llm("m", Some("0.5")), event(2).llm("m", None)]).await;
    house.tell(team(1), run_id(1), finish(FinishStatus::Success).output("[1]")).await;
    let json = house.page(&format!("/teams/acme/runs/{}/json", run_id(1))).await;
    let disposition = format!("attachment; filename=\"{}.json\"", run_id(1));
    assert_eq!(json.header("content-disposition"), Some(disposition.as_str()));
    assert_eq!(json.header("content-type"), Some("application/json"));
    let api = house.api(&format!("/v1/runs/{}", run_id(1))).await;
    let [json, api]: [Value; 2] = [&json, &api].map(|answer| serde_json::from_str(&answer.text).unwrap());
    assert_eq!(json, api);
}
