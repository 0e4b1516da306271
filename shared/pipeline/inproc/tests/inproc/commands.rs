//! The in-memory ports of the command pipeline pass the suites that every adapter runs.

use std::sync::Arc;

use tidegate_conformance::limits::LimitsUnderTest;
use tidegate_conformance::{
    books, deliveries, documents, due, facts, limits, owner_keys, releases, rows, views, voids,
};
use tidegate_inproc::books::MemoryBooks;
use tidegate_inproc::clock::TestClock;
use tidegate_inproc::deliveries::MemoryDeliveries;
use tidegate_inproc::documents::MemoryDocuments;
use tidegate_inproc::due::MemoryDue;
use tidegate_inproc::facts::MemoryFacts;
use tidegate_inproc::limits::MemoryLimits;
use tidegate_inproc::owner_keys::MemoryOwnerKeys;
use tidegate_inproc::releases::MemoryReleases;
use tidegate_inproc::rows::MemoryRows;
use tidegate_inproc::views::MemoryViews;
use tidegate_inproc::voids::MemoryVoids;
use tidegate_kernel::Timestamp;
use tidegate_ports::SystemClock;

#[tokio::test]
async fn books_in_memory() {
    books::suite(&MemoryBooks::default()).await;
}

#[tokio::test]
async fn facts_in_memory() {
    let facts = MemoryFacts::default();
    facts::suite(&facts).await;
    facts::a_wait_ends_with_the_next_fact(&facts).await;
}

#[tokio::test]
async fn views_in_memory() {
    views::suite(&MemoryViews::default()).await;
}

#[tokio::test]
async fn documents_in_memory() {
    documents::suite(&MemoryDocuments::new(Arc::new(SystemClock))).await;
}

#[tokio::test]
async fn rows_in_memory() {
    rows::suite(&MemoryRows::new(Arc::new(SystemClock))).await;
}

#[tokio::test]
async fn due_times_in_memory() {
    due::suite(&MemoryDue::default()).await;
}

#[tokio::test]
async fn deliveries_in_memory() {
    deliveries::suite(&MemoryDeliveries::default()).await;
}

#[tokio::test]
async fn owner_keys_in_memory() {
    owner_keys::suite(&MemoryOwnerKeys::default()).await;
}

#[tokio::test]
async fn voids_in_memory() {
    voids::suite(&MemoryVoids::default()).await;
}

#[tokio::test]
async fn releases_in_memory() {
    releases::suite(&MemoryReleases::default()).await;
}

#[tokio::test]
async fn limits_in_memory() {
    let clock = Arc::new(TestClock::at(Timestamp::from_millis(1_790_000_000_000)));
    let limits = MemoryLimits::new(clock.clone());
    let advance_ms = |millis| clock.advance_ms(millis);
    limits::suite(&LimitsUnderTest { limits: &limits, advance_ms: &advance_ms }).await;
}
