//! The team's bucket of the management API.

use serde_json::{Value, json};

use crate::house::*;

/// AC-88: 100 requests at once and 20 a second after them, for each team. Reads of runs and usage do not take from it.
#[tokio::test]
async fn ac_88_a_team_has_its_own_bucket() {
    let house = House::opened_with(|control| control.with_managed_rate(20, 100)).await;
    for _ in 0..50 {
        house.get("/v1/agents").await.ok();
        house.get("/v1/runs").await.ok();
        house.put("/v1/pause", &Value::Null).await.ok();
    }
    for answer in [
        house.get("/v1/agents").await,
        house.get_as(Some(KEY_READS), "/v1/audit").await,
        house.patch("/v1/team", &json!({})).await,
        house.post("/v1/schedules/preview", &json!({})).await,
    ] {
        assert_refusal(&answer, 429, "rate_limit", None);
        assert_eq!(answer.header("retry-after"), Some("1"));
    }
    house.get_as(Some(KEY_B), "/v1/agents").await.ok();
    house.get("/v1/usage").await.ok();
    house.clock.advance_ms(50);
    house.get("/v1/agents").await.ok();
    assert_refusal(&house.get("/v1/agents").await, 429, "rate_limit", None);
    assert_eq!(house.get("/v1/usage").await.ok()["events"], 0, "none of it counts as an event");
}

/// A refused caller takes nothing.
#[tokio::test]
async fn who_may_not_ask_takes_nothing_of_the_bucket() {
    let house = House::opened_with(|control| control.with_managed_rate(1, 1)).await;
    for _ in 0..3 {
        assert_refusal(&house.get_as(None, "/v1/agents").await, 401, "invalid_credential", None);
        assert_refusal(&house.get_as(Some(TOKEN_A), "/v1/agents").await, 401, "scope_violation", None);
    }
    house.get("/v1/agents").await.ok();
}
