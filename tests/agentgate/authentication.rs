//! Who may send at all.

use reqwest::Method;
use serde_json::Value;

use super::{Client, Limited, eventually, git_order, one};
use crate::World;

async fn with_header(world: &World, value: &str) -> super::Answer {
    Client::without_key(world.url()).send(Method::GET, "/v1/runs", &[("authorization", value)], None).await
}

/// AG-01: without the header there is no key.
#[tokio::test]
async fn no_header_is_a_missing_key() {
    let (world, ..) = one().await;
    let answer = Client::without_key(world.url()).get("/v1/runs").await;
    assert_eq!(answer.header("www-authenticate"), Some("Bearer"));
    assert_eq!(answer.refused(401, "MISSING_API_KEY"), Value::Null);
    with_header(&world, " ").await.refused(401, "MISSING_API_KEY");
}

/// AG-02: the header is `Bearer` and one key.
#[tokio::test]
async fn another_form_of_header_is_refused() {
    let (world, ..) = one().await;
    for value in ["Basic x", "Bearer", "Bearer ", "org_live_0123456789abcdef", "Bearer a b"] {
        with_header(&world, value).await.refused(401, "INVALID_API_KEY_FORMAT");
    }
}

/// AG-03, AG-04: a key of another form and an unknown key get the same body.
#[tokio::test]
async fn a_key_that_nobody_has_is_invalid() {
    let (world, ..) = one().await;
    let malformed = with_header(&world, "Bearer sk_live_0123456789abcdef").await;
    let unknown = with_header(&world, "Bearer org_live_0123456789abcdef").await;
    assert_eq!(malformed.text(), unknown.text());
    malformed.refused(401, "INVALID_API_KEY");
    unknown.refused(401, "INVALID_API_KEY");
    for key in ["org_live_short", "org_live_0123456789abcde!", "agw_live_0123456789abcdef"] {
        with_header(&world, &format!("Bearer {key}")).await.refused(401, "INVALID_API_KEY");
    }
}

/// Our choice: the scheme is matched in any case, with one space or more after it.
#[tokio::test]
async fn the_scheme_is_matched_in_any_case() {
    let world = World::start().await;
    let org = world.organization(Limited::default()).await;
    let (_, key) = world.key(&org, &["runs:read"]).await;
    for header in [format!("bearer {key}"), format!("BEARER   {key}")] {
        with_header(&world, &header).await.expect(200);
    }
}

/// AG-05: a revoked key is refused as such, soon.
#[tokio::test]
async fn a_revoked_key_has_expired() {
    let world = World::start().await;
    let org = world.organization(Limited::default()).await;
    let (id, key) = world.key(&org, &["*"]).await;
    let client = Client::new(world.url(), &key);
    client.get("/v1/runs").await.expect(200);
    world.revoke(&org, &id).await;
    // What decides knows at once, what reads within two seconds.
    client.submit(&git_order()).await.refused(401, "EXPIRED_API_KEY");
    eventually("a refusal", async || client.get("/v1/runs").await.status == 401).await;
    client.get("/v1/runs").await.refused(401, "EXPIRED_API_KEY");
}

/// AG-10: a suspended organization is refused, whatever the key's scopes, until it is resumed.
#[tokio::test]
async fn a_suspended_organization_is_refused() {
    let (world, org, client) = one().await;
    let (_, bare) = world.key(&org, &[]).await;
    let bare = Client::new(world.url(), &bare);
    world.suspend(&org, true).await;
    eventually("a refusal", async || client.get("/v1/runs").await.status == 403).await;
    for client in [&client, &bare] {
        client.get("/v1/runs").await.refused(403, "ORGANIZATION_SUSPENDED");
    }
    client.get("/v1/nothing").await.refused(403, "ORGANIZATION_SUSPENDED");
    world.suspend(&org, false).await;
    eventually("an answer", async || client.get("/v1/runs").await.status == 200).await;
}
