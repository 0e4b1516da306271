//! Keys that may only read.

use reqwest::Method;
use serde_json::{Value, json};

use crate::house::*;

/// AC-81: whatever a read key sends to a path that changes something, it is 403, and nothing changes.
#[tokio::test]
async fn ac_81_a_read_key_changes_nothing() {
    let house = House::open().await;
    house.with_agent("nightly", 1).await;
    let description: Value = serde_json::to_value(tidegate_control::openapi()).unwrap();
    let mut changes = 0;
    for (path, item) in description["paths"].as_object().unwrap() {
        let path = path.replace("{slug}", "nightly").replace("{id}", "tok_eu_0");
        for method in item.as_object().unwrap().keys().filter(|method| *method != "get") {
            // Questions with a body.
            let asks = ["/v1/schedules/preview", "/v1/config/diff", "/v1/guard/check"].contains(&path.as_str());
            if asks || !path.starts_with("/v1") {
                continue;
            }
            let method: Method = method.to_uppercase().parse().unwrap();
            for body in [Value::Null, json!({}), json!({"unheard_of": 1})] {
                let answer = house.change_as(KEY_READS, method.clone(), &path, &body, &[]).await;
                assert_refusal(&answer, 403, "read_only", None);
            }
            changes += 1;
        }
    }
    assert!(changes >= 18, "{changes}");
    assert_eq!(house.get("/v1/audit").await.ok()["entries"], json!([]));
}

#[tokio::test]
async fn a_read_key_reads_and_asks() {
    let house = House::open().await;
    house.with_agent("nightly", 1).await;
    for path in ["/v1/agents", "/v1/agents/nightly", "/v1/team", "/v1/audit", "/v1/agents/nightly/tokens", "/v1/runs"] {
        house.get_as(Some(KEY_READS), path).await.ok();
    }
    let asked = json!({"schedule": {"cron": "@daily"}}).to_string();
    house.post_as(Some(KEY_READS), "/v1/schedules/preview", asked).await.ok();
}
