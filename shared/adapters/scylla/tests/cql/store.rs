//! The store's suite on a real cluster.

use std::sync::Arc;

use tidegate_agentping_conformance::feed::{self, FeedUnderTest};
use tidegate_agentping_conformance::runs::{StoreUnderTest, suite};
use tidegate_scylla::{ScyllaRegistry, ScyllaStore};

use crate::support::Keyspace;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_suite() {
    let keyspace = Keyspace::fresh().await;
    let cql = keyspace.connect().await;
    let store = Arc::new(ScyllaStore::new(cql.clone()));
    let parts = StoreUnderTest {
        runs: store.clone(),
        summary: store.clone(),
        queries: store.clone(),
        agents: store,
        registry: Arc::new(ScyllaRegistry::new(cql)),
    };
    suite(&parts, 12).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_suite_of_the_feed() {
    let keyspace = Keyspace::fresh().await;
    let store = Arc::new(ScyllaStore::new(keyspace.connect().await));
    feed::suite(&FeedUnderTest { runs: store.clone(), feed: store.clone(), accounts: store }, 12).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_suite_of_accounts() {
    let keyspace = Keyspace::fresh().await;
    let store = ScyllaStore::new(keyspace.connect().await);
    tidegate_conformance::accounts::suite(&store).await;
    tidegate_agentping_conformance::notes::suite(&store).await;
}
