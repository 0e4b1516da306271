//! Clients that try again: of front doors that come and go.

#![allow(dead_code, reason = "not every root that includes this file uses all of it")]

use std::time::Duration;

use reqwest::Method;
use serde_json::Value;
use tidegate_tests::eventually;
use tokio::time::interval;

use crate::World;
use crate::suite::{Answer, Client, Limited};

/// Limits that are in no request's way.
pub const WIDE: Limited = Limited {
    billing: true,
    included_cents: 1_000_000_000,
    purchased_cents: 0,
    concurrency: 100,
    requests_per_minute: 100_000,
    submissions_per_minute: 100_000,
};

/// Until a busy deployment answers.
const SOON: Duration = Duration::from_secs(120);
/// Between tries of a request that was not answered.
const AGAIN: Duration = Duration::from_millis(100);

/// A new organization, with one client for each front door.
pub async fn clients(world: &World) -> (String, Vec<Client>) {
    let org = world.organization(WIDE).await;
    let (_, key) = world.key(&org, &["*"]).await;
    (org, world.urls().iter().map(|url| Client::new(url, &key)).collect())
}

/// Submits with this idempotency key, at each front door in turn from `first` on, until it is taken: the answer.
pub async fn insist(clients: &[Client], first: usize, key: &str, order: &Value) -> Value {
    let (headers, body) = ([("idempotency-key", key)], order.to_string().into_bytes());
    let mut tries = interval(AGAIN);
    for client in clients.iter().cycle().skip(first) {
        tries.tick().await;
        let sent = client.try_send(Method::POST, "/v1/work-orders", &headers, Some(body.clone())).await;
        match sent {
            Ok(answer) if answer.status.is_server_error() => {}
            Ok(answer) => return answer.expect(201).json(),
            Err(_) => {}
        }
    }
    panic!("there is no front door")
}

/// Asks until the answer is no failure of the server's: a deployment that is busy sheds.
pub async fn answered(what: &str, mut ask: impl AsyncFnMut() -> Answer) -> Answer {
    eventually(SOON, what, async || match ask().await {
        answer if answer.status.is_server_error() => Err(answer.to_string()),
        answer => Ok(answer),
    })
    .await
}
