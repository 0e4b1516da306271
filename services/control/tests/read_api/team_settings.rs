//! What is set of the team as a whole.

use reqwest::Method;
use serde_json::{Value, json};

use crate::house::*;

#[tokio::test]
async fn a_team_is_read_and_changed() {
    let house = House::open().await;
    let first = house.get("/v1/team").await;
    let expected = json!({
        "team": "acme", "plan": "team", "region": "eu", "routes": [], "spend": {"sigma": 2.5, "min_usd": 1},
        "maintenance": [],
    });
    assert_eq!(first.ok(), expected);
    let window = json!([{"cron": "0 2 * * 0", "duration_s": 3600}]);
    let wanted = json!({"spend": {"sigma": 3, "min_usd": 0.25}, "maintenance": window});
    let changed = house.patch("/v1/team", &wanted).await;
    assert_eq!(changed.ok()["spend"], json!({"sigma": 3.0, "min_usd": 0.25}));
    assert_eq!(changed.ok()["maintenance"][0]["timezone"], "UTC");
    let read = house.get("/v1/team").await;
    assert_eq!((read.ok(), read.etag()), (changed.ok(), changed.etag()));
    assert_ne!(read.etag(), first.etag());
    let back = house.patch("/v1/team", &json!({"spend": {"sigma": null}, "maintenance": null})).await;
    assert_eq!(back.ok()["spend"], json!({"sigma": 2.5, "min_usd": 0.25}));
    assert_eq!(house.patch("/v1/team", &json!({"spend": null})).await.etag(), first.etag());
    let other = house.get_as(Some(KEY_B), "/v1/team").await.ok();
    assert_eq!((&other["team"], &other["plan"]), (&json!("bolt"), &json!("enterprise")));
}

/// AC-83.
#[tokio::test]
async fn ac_83_a_team_is_changed_on_condition() {
    let house = House::open().await;
    let tag = house.get("/v1/team").await.etag();
    let patch = async |sigma: u32| {
        let body = json!({"spend": {"sigma": sigma}});
        house.change_as(KEY_A, Method::PATCH, "/v1/team", &body, &[("if-match", &tag)]).await
    };
    patch(3).await.ok();
    assert_refusal(&patch(4).await, 412, "stale", None);
    assert_eq!(house.get("/v1/team").await.ok()["spend"]["sigma"], json!(3.0));
}

#[tokio::test]
async fn a_change_that_changes_nothing_is_not_audited() {
    let house = House::open().await;
    house.patch("/v1/team", &json!({})).await.ok();
    house.patch("/v1/team", &json!({"routes": null, "spend": {"min_usd": 1}})).await.ok();
    assert_eq!(house.get("/v1/audit").await.ok(), json!({"entries": [], "next_cursor": Value::Null}));
}
