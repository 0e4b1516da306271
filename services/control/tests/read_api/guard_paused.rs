//! A paused agent that asks guard in a loop.

use serde_json::{Value, json};

use crate::house::*;

const CHECK: &str = "/v1/guard/check";

/// AC-08, AC-10: clients take a 429 for an allow, so a paused agent must not use up the rate of the team's others. How
/// many of its blocks are kept is bounded.
#[tokio::test]
async fn ac_08_and_10_a_paused_agent_takes_nothing_of_the_rate() {
    let house = House::opened_with(|control| control.with_guard_rate(50, 200)).await;
    house.with_agent("nightly", 1).await;
    house.put("/v1/agents/nightly/pause", &Value::Null).await.ok();
    let mut blocks = Vec::new();
    for _ in 0..1_000 {
        let blocked = house.post(CHECK, &json!({"agent": "nightly"})).await.ok();
        assert_eq!(blocked["decision"], "block");
        blocks.push(format!("/v1/guard/checks/{}", blocked["guard_check_id"].as_str().unwrap()));
    }
    let other = json!({"agent": "other"});
    for _ in 0..200 {
        assert_eq!(house.post(CHECK, &other).await.ok()["decision"], "allow");
    }
    assert_refusal(&house.post(CHECK, &other).await, 429, "rate_limit", None);
    house.get(&blocks[199]).await.ok();
    assert_refusal(&house.get(&blocks[200]).await, 404, "not_found", None);
}
