//! The store's suite, in memory and on a folder.

use std::sync::Arc;

use tidegate_domain::{Region, Timestamp};
use tidegate_embedded::{DataFolder, EmbeddedRegistry, EmbeddedStore};
use tidegate_ports::conformance::runs::{StoreUnderTest, suite};
use tidegate_ports::memory::registry::MemoryRegistry;
use tidegate_ports::memory::runs::MemoryRuns;

#[tokio::test]
async fn in_memory() {
    let registry = MemoryRegistry::default();
    let store = Arc::new(MemoryRuns::new(registry.clone()));
    let parts = StoreUnderTest {
        runs: store.clone(),
        summary: store.clone(),
        queries: store.clone(),
        agents: store,
        registry: Arc::new(registry),
    };
    suite(&parts, 200).await;
}

#[tokio::test]
async fn on_a_folder() {
    let place = tempfile::tempdir().expect("a folder");
    let folder = DataFolder::open_or_create(place.path(), Region::Eu, 1, Timestamp::from_millis(0)).expect("ours");
    let registry = EmbeddedRegistry::open(&folder).expect("registry");
    let store = EmbeddedStore::open(&folder.own().expect("owned"), registry.clone()).expect("store");
    let store = Arc::new(store);
    let parts = StoreUnderTest {
        runs: store.clone(),
        summary: store.clone(),
        queries: store.clone(),
        agents: store,
        registry: Arc::new(registry),
    };
    suite(&parts, 40).await;
}
