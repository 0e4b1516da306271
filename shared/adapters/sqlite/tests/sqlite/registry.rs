//! The registry's suite, in memory and on a folder.

use std::sync::Arc;

use tidegate_agentping_conformance::registry::{RegistryUnderTest, suite};
use tidegate_agentping_inproc::registry::MemoryRegistry;
use tidegate_kernel::{Region, Timestamp};
use tidegate_sqlite::{DataFolder, EmbeddedRegistry};

#[tokio::test]
async fn in_memory() {
    let registry = Arc::new(MemoryRegistry::default());
    let parts = RegistryUnderTest { registry: registry.clone(), credentials: registry.clone(), rates: registry };
    suite(&parts).await;
}

#[tokio::test]
async fn on_a_folder() {
    let place = tempfile::tempdir().expect("a folder");
    let folder = DataFolder::open_or_create(place.path(), Region::Us, 1, Timestamp::from_millis(0)).expect("ours");
    let registry = Arc::new(EmbeddedRegistry::open(&folder).expect("registry"));
    let parts = RegistryUnderTest { registry: registry.clone(), credentials: registry.clone(), rates: registry };
    suite(&parts).await;
}
