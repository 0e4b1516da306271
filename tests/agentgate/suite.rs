//! AgentGate's contract, black box over HTTP: one file per theme. The doc comment of each test names the requirement that
//! it shows (`AG-01` to `AG-44`), or says which of Tidegate's own choices.
//!
//! The root that includes this suite says what is tested: its `World` starts or finds a front door, and makes
//! organizations and keys as an operator does.

mod authentication;
mod bad_input;
mod bodies;
mod client;
mod credits;
mod envelope;
mod idempotency;
mod limits;
mod lists;
mod races;
mod reads;
mod refusals;
mod runs;
mod scopes;
mod sources;
mod submitting;
mod templates;
mod webhooks;
mod workers;

pub use client::{Answer, Client, eventually, git_order};

use crate::World;

/// The limits of an organization. The default has room for everything but runs.
#[derive(Clone, Copy, Debug)]
pub struct Limited {
    pub billing: bool,
    pub included_cents: u64,
    pub purchased_cents: u64,
    pub concurrency: u32,
    pub requests_per_minute: u32,
    pub submissions_per_minute: u32,
}

impl Default for Limited {
    fn default() -> Self {
        Limited {
            billing: true,
            included_cents: 10_000,
            purchased_cents: 0,
            concurrency: 10,
            requests_per_minute: 100_000,
            submissions_per_minute: 100_000,
        }
    }
}

impl Limited {
    /// As the documentation has it.
    pub const DOCUMENTED: Limited = Limited {
        billing: true,
        included_cents: 10_000,
        purchased_cents: 0,
        concurrency: 10,
        requests_per_minute: 100,
        submissions_per_minute: 20,
    };
}

/// A world with an organization and a key for everything.
pub async fn one() -> (World, String, Client) {
    with(Limited::default()).await
}

/// The same with limits.
pub async fn with(limited: Limited) -> (World, String, Client) {
    let world = World::start().await;
    let (org, client) = another(&world, limited).await;
    (world, org, client)
}

/// One more organization with a key for everything.
pub async fn another(world: &World, limited: Limited) -> (String, Client) {
    let org = world.organization(limited).await;
    let (_, key) = world.key(&org, &["*"]).await;
    let client = Client::new(world.url(), &key);
    (org, client)
}

/// A worker of an organization.
pub async fn worker(world: &World, org: &str) -> Client {
    let (_, key) = world.worker_key(Some(org)).await;
    Client::new(world.url(), &key)
}
