//! A paused agent that asks guard in a loop.

use std::sync::Arc;

use serde_json::{Value, json};
use tidegate_control::Control;
use tokio::sync::mpsc::channel;

use crate::guard_alerts::{HandedOn, next};
use crate::house::*;

const CHECK: &str = "/v1/guard/check";

/// AC-08, AC-10: clients take a 429 for an allow, so a paused agent must not use up the rate of the team's others. How
/// many of its blocks are kept is bounded; the pause of another agent is handed on nevertheless.
#[tokio::test]
async fn ac_08_and_10_a_paused_agent_takes_nothing_of_the_rate() {
    let (to, mut found) = channel(10);
    let set_up = |control: Control| control.with_guard_rate(50, 200).with_guard_events(Arc::new(HandedOn(to)));
    let house = House::opened_with(set_up).await;
    house.with_agent("nightly", 1).await;
    house.with_agent("weekly", 2).await;
    house.put("/v1/agents/nightly/pause", &Value::Null).await.ok();
    let mut blocks = Vec::new();
    for _ in 0..1_000 {
        let blocked = house.post(CHECK, &json!({"agent": "nightly"})).await.ok();
        assert_eq!(blocked["decision"], "block");
        blocks.push(format!("/v1/guard/checks/{}", blocked["guard_check_id"].as_str().unwrap()));
    }
    let (event, id) = next(&mut found).await;
    assert_eq!(event.agent.as_deref(), Some("nightly"));
    assert_eq!(id.map(|id| format!("/v1/guard/checks/{id}")).as_ref(), blocks.first());
    house.put("/v1/agents/weekly/pause", &Value::Null).await.ok();
    assert_eq!(house.post(CHECK, &json!({"agent": "weekly"})).await.ok()["decision"], "block");
    let (event, id) = next(&mut found).await;
    assert_eq!((event.agent.as_deref(), id), (Some("weekly"), None), "its block is not kept, and people are alerted");
    let other = json!({"agent": "other"});
    for _ in 0..200 {
        assert_eq!(house.post(CHECK, &other).await.ok()["decision"], "allow");
    }
    assert_refusal(&house.post(CHECK, &other).await, 429, "rate_limit", None);
    house.get(&blocks[199]).await.ok();
    assert_refusal(&house.get(&blocks[200]).await, 404, "not_found", None);
}
