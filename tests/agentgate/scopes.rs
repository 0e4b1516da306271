//! What a key may do.

use reqwest::Method;
use serde_json::json;

use super::{Client, Limited, git_order, one};
use crate::World;

/// Every endpoint with the scope that it needs.
const ENDPOINTS: [(&str, &str, &str); 18] = [
    ("POST", "/v1/work-orders", "work-orders:write"),
    ("GET", "/v1/work-orders/wo_x", "work-orders:read"),
    ("GET", "/v1/runs", "runs:read"),
    ("GET", "/v1/runs/run_x", "runs:read"),
    ("POST", "/v1/runs/run_x/cancel", "runs:write"),
    ("GET", "/v1/credits", "credits:read"),
    ("GET", "/v1/credits/usage", "credits:read"),
    ("GET", "/v1/webhooks", "webhooks:read"),
    ("POST", "/v1/webhooks", "webhooks:write"),
    ("GET", "/v1/webhooks/wh_x", "webhooks:read"),
    ("PATCH", "/v1/webhooks/wh_x", "webhooks:write"),
    ("DELETE", "/v1/webhooks/wh_x", "webhooks:write"),
    ("POST", "/v1/webhooks/wh_x/test", "webhooks:write"),
    ("GET", "/v1/templates", "templates:read"),
    ("POST", "/v1/templates", "templates:write"),
    ("GET", "/v1/templates/x", "templates:read"),
    ("PUT", "/v1/templates/x", "templates:write"),
    ("DELETE", "/v1/templates/x", "templates:write"),
];

/// AG-07: the refusal names the scope that is needed and those that the key has.
#[tokio::test]
async fn a_key_without_the_scope_is_refused() {
    let world = World::start().await;
    let org = world.organization(Limited::default()).await;
    let (_, key) = world.key(&org, &["work-orders:read", "runs:read"]).await;
    let details = Client::new(world.url(), &key).submit(&git_order()).await.refused(403, "INSUFFICIENT_PERMISSIONS");
    let expected =
        json!({ "requiredScope": "work-orders:write", "availableScopes": ["work-orders:read", "runs:read"] });
    assert_eq!(details, expected);
}

/// AG-08: a key without any scope.
#[tokio::test]
async fn a_key_without_scopes_is_refused() {
    let world = World::start().await;
    let org = world.organization(Limited::default()).await;
    let (_, key) = world.key(&org, &[]).await;
    let details = Client::new(world.url(), &key).submit(&git_order()).await.refused(403, "SCOPE_REQUIRED");
    assert_eq!(details["requiredScope"], "work-orders:write");
}

/// AG-09: the star passes every check, and each endpoint asks for its own scope and no other.
#[tokio::test]
async fn each_endpoint_asks_for_one_scope() {
    let (world, org, all) = one().await;
    for (method, path, scope) in ENDPOINTS {
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        let answer = all.send(method.clone(), path, &[], None).await;
        assert_ne!(answer.status, 403, "{answer}");
        let other = if scope == "runs:read" { "credits:read" } else { "runs:read" };
        for (has, refused) in [(scope, false), (other, true)] {
            let (_, key) = world.key(&org, &[has]).await;
            let answer = Client::new(world.url(), &key).send(method.clone(), path, &[], None).await;
            assert_eq!(answer.status == 403, refused, "{has}: {answer}");
        }
    }
}
