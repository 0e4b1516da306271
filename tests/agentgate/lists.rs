//! The list of runs.

use serde_json::{Value, json};

use super::{Client, Limited, another, git_order, with};

async fn submitted(client: &Client, tenant: &str, user: &str) -> String {
    let mut order = git_order();
    order["tenantContext"] = json!({ "tenantId": tenant, "tenantUserId": user });
    order["maxIterations"] = json!(1);
    client.submit(&order).await.expect(201).json()["runId"].as_str().unwrap().to_owned()
}

async fn list(client: &Client, query: &str) -> (Vec<String>, Value) {
    let body = client.get(&format!("/v1/runs{query}")).await.expect(200).json();
    let ids = body["data"].as_array().unwrap().iter().map(|run| run["id"].as_str().unwrap().to_owned());
    (ids.collect(), body)
}

/// AG-36: newest first, by filter and page, and only the caller's own.
#[tokio::test]
async fn runs_are_listed_by_filter_and_page() {
    let (world, _, client) = with(Limited { concurrency: 100, ..Limited::default() }).await;
    let (_, stranger) = another(&world, Limited::default()).await;
    submitted(&stranger, "a", "u").await;
    let mut runs = Vec::new();
    for number in 0..25 {
        runs.push(submitted(&client, if number % 2 == 0 { "a" } else { "b" }, &format!("u{}", number % 5)).await);
    }
    let cancelled = runs[3].clone();
    client.post(&format!("/v1/runs/{cancelled}/cancel"), &json!({})).await.expect(200);
    // Ids begin with the time, and order the runs of one millisecond.
    runs.sort();
    runs.reverse();
    let (ids, body) = list(&client, "").await;
    assert_eq!((&ids[..], &body["total"]), (&runs[..20], &json!(25)));
    assert_eq!((&body["limit"], &body["offset"]), (&json!(20), &json!(0)));
    assert_eq!(list(&client, "?limit=10&offset=20").await.0, runs[20..]);
    assert_eq!(list(&client, "?limit=100").await.0, runs);
    assert_eq!(list(&client, "?offset=25").await.0, Vec::<String>::new());
    let (ids, body) = list(&client, "?tenantId=a&limit=5").await;
    assert_eq!((ids.len(), &body["total"]), (5, &json!(13)));
    assert_eq!(list(&client, "?tenantId=a&tenantUserId=u0").await.1["total"], 3);
    assert_eq!(list(&client, "?tenantId=nobody").await.1["total"], 0);
    let (ids, body) = list(&client, "?status=cancelled").await;
    assert_eq!((ids.len(), &ids[0]), (1, &cancelled));
    assert!(body["data"][0]["completedAt"].is_string());
    let (_, body) = list(&client, "?status=pending").await;
    assert_eq!(body["total"], 24);
    assert!(body["data"][0].get("completedAt").is_none());
    let members: Vec<&String> = body["data"][0].as_object().unwrap().keys().collect();
    assert_eq!(members, ["createdAt", "id", "iterations", "status", "workOrderId"]);
}

/// AG-36: what is no page or no filter is refused, not cut.
#[tokio::test]
async fn what_is_no_page_is_refused() {
    let (_world, _, client) = with(Limited::default()).await;
    for (path, query, code, field) in [
        ("runs", "limit=0", "INVALID_VALUE", "limit"),
        ("runs", "limit=101", "INVALID_VALUE", "limit"),
        ("runs", "limit=-1", "INVALID_VALUE", "limit"),
        ("runs", "limit=99999999999999999999", "INVALID_VALUE", "limit"),
        ("runs", "limit=ten", "INVALID_FORMAT", "limit"),
        ("runs", "limit=1.5", "INVALID_FORMAT", "limit"),
        ("runs", "limit=", "INVALID_FORMAT", "limit"),
        ("runs", "offset=-1", "INVALID_VALUE", "offset"),
        ("runs", "offset=x", "INVALID_FORMAT", "offset"),
        ("runs", "limit=1&limit=2", "INVALID_FORMAT", "limit"),
        ("runs", "status=done", "INVALID_VALUE", "status"),
        ("runs", "status=", "INVALID_VALUE", "status"),
        ("runs", "status=PENDING", "INVALID_VALUE", "status"),
        ("runs", "tenantId=", "INVALID_VALUE", "tenantId"),
        ("runs", "tenantId=%E9", "INVALID_FORMAT", "tenantId"),
        ("runs", "tenantUserId=", "INVALID_VALUE", "tenantUserId"),
        ("credits/usage", "limit=101", "INVALID_VALUE", "limit"),
        ("credits/usage", "type=gift", "INVALID_VALUE", "type"),
        ("credits/usage", "type=", "INVALID_VALUE", "type"),
        ("credits/usage", "startDate=yesterday", "INVALID_FORMAT", "startDate"),
        ("credits/usage", "startDate=2024-02-30", "INVALID_FORMAT", "startDate"),
        ("credits/usage", "endDate=", "INVALID_FORMAT", "endDate"),
        ("credits/usage", "startDate=2024-02-02&endDate=2024-02-01", "INVALID_VALUE", "endDate"),
        ("webhooks", "limit=0", "INVALID_VALUE", "limit"),
        ("templates", "tag=", "INVALID_VALUE", "tag"),
    ] {
        let details = client.get(&format!("/v1/{path}?{query}")).await.refused(400, code);
        assert_eq!(details["errors"][0]["field"], field, "{path}?{query}");
    }
    let details = client.get("/v1/runs?status=x&limit=0").await.refused(400, "INVALID_REQUEST");
    assert_eq!((&details["errors"][0]["field"], &details["errors"][1]["field"]), (&json!("status"), &json!("limit")));
    client.get("/v1/runs?colour=red").await.expect(200);
}
