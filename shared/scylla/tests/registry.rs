//! The registry's suite on a real cluster.

use std::sync::Arc;

use tidegate_ports::conformance::registry::{RegistryUnderTest, suite};
use tidegate_scylla::ScyllaRegistry;

mod support;

use support::Keyspace;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_suite() {
    let keyspace = Keyspace::fresh().await;
    let registry = Arc::new(ScyllaRegistry::new(keyspace.connect().await));
    let parts = RegistryUnderTest { registry: registry.clone(), credentials: registry.clone(), rates: registry };
    suite(&parts).await;
}
