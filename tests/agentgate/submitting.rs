//! Work orders.

use serde_json::{Value, json};

use super::{Client, git_order, one};

fn is_id(value: &Value, prefix: &str) -> bool {
    value.as_str().and_then(|text| text.strip_prefix(prefix)).is_some_and(|rest| rest.len() >= 20)
}

/// Whole seconds in UTC.
pub fn is_time(value: &Value) -> bool {
    let text = value.as_str().unwrap_or_default();
    text.len() == 20 && text.ends_with('Z') && text.as_bytes()[10] == b'T'
}

/// AG-11, AG-12: a submission answers 201 with its ids, unwrapped, and what GETs read is there at once.
#[tokio::test]
async fn a_submission_answers_with_its_ids() {
    let (_world, _, client) = one().await;
    let answer = client.submit(&git_order()).await.expect(201);
    let body = answer.json();
    assert!(is_id(&body["workOrderId"], "wo_") && is_id(&body["runId"], "run_"), "{answer}");
    assert_eq!(body["status"], "pending");
    assert!(is_time(&body["createdAt"]), "{answer}");
    assert_eq!(body.as_object().unwrap().len(), 4, "{answer}");
    let run = client.get(&format!("/v1/runs/{}", body["runId"].as_str().unwrap())).await.expect(200).json();
    assert_eq!((&run["workOrderId"], &run["status"]), (&body["workOrderId"], &json!("pending")));
}

/// AG-18: ten iterations, unless the client says otherwise. The body of the work order says what was taken in.
#[tokio::test]
async fn iterations_are_ten_unless_said_otherwise() {
    let (_world, _, client) = one().await;
    for (sent, expected) in [(None, 10), (Some(1), 1), (Some(100), 100)] {
        let mut order = git_order();
        if let Some(sent) = sent {
            order["maxIterations"] = json!(sent);
        }
        let order = submitted(&client, &order).await;
        assert_eq!(order["maxIterations"], expected);
    }
}

/// The work order as it is read back.
pub async fn submitted(client: &Client, order: &Value) -> Value {
    let answer = client.submit(order).await.expect(201).json();
    client.get(&format!("/v1/work-orders/{}", answer["workOrderId"].as_str().unwrap())).await.expect(200).json()
}

/// Our choice: metadata comes back with the answer, as it was sent.
#[tokio::test]
async fn metadata_comes_back() {
    let (_world, _, client) = one().await;
    let metadata = json!({ "ticket": "T-1", "nested": { "list": [1, 2.5, null, "ü"] } });
    let mut order = git_order();
    order["metadata"] = metadata.clone();
    assert_eq!(client.submit(&order).await.expect(201).json()["metadata"], metadata);
    assert_eq!(submitted(&client, &order).await["metadata"], metadata);
}

/// AG-21: all of a tenant context is optional, and it comes back unchanged.
#[tokio::test]
async fn a_tenant_context_is_kept_unchanged() {
    let (_world, _, client) = one().await;
    for context in [
        json!({}),
        json!({ "tenantId": "t-1" }),
        json!({ "tenantUserId": "u-1" }),
        json!({ "tenantId": "t-1", "tenantUserId": "u-1", "metadata": { "plan": "gold", "seats": 3 } }),
    ] {
        let mut order = git_order();
        order["tenantContext"] = context.clone();
        assert_eq!(submitted(&client, &order).await["tenantContext"], context);
    }
    assert!(submitted(&client, &git_order()).await.get("tenantContext").is_none());
}
