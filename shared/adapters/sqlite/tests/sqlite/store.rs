//! The store's suite, in memory and on a folder.

use std::sync::Arc;

use tidegate_agentping_conformance::feed::{self, FeedUnderTest};
use tidegate_agentping_conformance::runs::{StoreUnderTest, suite};
use tidegate_agentping_inproc::noted_accounts::MemoryNotedAccounts;
use tidegate_agentping_inproc::registry::MemoryRegistry;
use tidegate_agentping_inproc::runs::MemoryRuns;
use tidegate_agentping_ports::{FeedRange, Note, NotedAccounts, PulseFeed};
use tidegate_agentping_testkit::{fresh_key, record, start};
use tidegate_kernel::{Position, Region, Timestamp};
use tidegate_ports::{Account, Accounts, Fate};
use tidegate_sqlite::{DataFolder, EmbeddedRegistry, EmbeddedStore};

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

fn store_in(place: &std::path::Path) -> EmbeddedStore {
    let folder = DataFolder::open_or_create(place, Region::Eu, 1, Timestamp::from_millis(0)).expect("ours");
    let registry = EmbeddedRegistry::open(&folder).expect("registry");
    EmbeddedStore::open(&folder.own().expect("owned"), registry).expect("store")
}

#[tokio::test]
async fn accounts_on_a_folder() {
    let place = tempfile::tempdir().expect("a folder");
    tidegate_conformance::accounts::suite(&store_in(place.path())).await;
    tidegate_agentping_conformance::notes::suite(&store_in(place.path())).await;
    // All of it is still there after a restart.
    let kept = store_in(place.path()).accounts().await.expect("read");
    assert_eq!(kept.len(), 3);
}

#[tokio::test]
async fn the_feed_in_memory() {
    let store = Arc::new(MemoryRuns::default());
    let accounts = Arc::new(MemoryNotedAccounts::default());
    feed::suite(&FeedUnderTest { runs: store.clone(), feed: store, accounts }, 200).await;
}

#[tokio::test]
async fn the_feed_on_a_folder() {
    let place = tempfile::tempdir().expect("a folder");
    let store = Arc::new(store_in(place.path()));
    feed::suite(&FeedUnderTest { runs: store.clone(), feed: store.clone(), accounts: store.clone() }, 40).await;
    // All of it is still there after a restart.
    let range = FeedRange { generation: 1, partition: 100, from: 0, until: 1_000 };
    let before = store.feed_page(range, 1_000).await.expect("read");
    drop(store);
    assert!(before.entries.len() > 5);
    assert_eq!(store_in(place.path()).feed_page(range, 1_000).await, Ok(before));
}

#[tokio::test]
async fn rows_of_the_feed_are_purged_oldest_first() {
    let place = tempfile::tempdir().expect("a folder");
    let store = store_in(place.path());
    for partition in 0..2 {
        let position = |offset| Position { generation: 1, partition, offset };
        let records = (0..600).map(|offset| (position(offset), record(fresh_key(), at(offset), start("a"))));
        tidegate_agentping_testkit::persist(&store, records).await.expect("saved");
        let mut account = Account::opened(1, partition, 0);
        (0..600).for_each(|offset| account.count(offset, Fate::Stored));
        store.settle(account).await.expect("settled");
    }
    let kept = async |partition| {
        let range = FeedRange { generation: 1, partition, from: 0, until: 600 };
        let page = store.feed_page(range, 1_000).await.expect("read");
        page.entries.iter().map(|entry| entry.position.offset).collect::<Vec<_>>()
    };
    assert_eq!(store.purge_feed(at(400), 500).await, Ok(500));
    assert_eq!((kept(0).await, kept(1).await), ((400..600).collect(), (100..600).collect()));
    assert_eq!(store.purge_feed(at(400), 500).await, Ok(300));
    assert_eq!(store.purge_feed(at(400), 500).await, Ok(0));
    assert_eq!((kept(0).await, kept(1).await), ((400..600).collect(), (400..600).collect()));
}

/// A second for each offset.
fn at(offset: i64) -> Timestamp {
    Timestamp::from_millis(1_000 * offset)
}

#[tokio::test]
async fn notes_are_forgotten_oldest_first() {
    let place = tempfile::tempdir().expect("a folder");
    let store = store_in(place.path());
    let position = |offset| Position { generation: 1, partition: 0, offset };
    let note = |offset| {
        let appended_at = Timestamp::from_millis(1_000 * offset);
        Note { position: position(offset), appended_at, key: None, fate: Fate::Dead }
    };
    // Noted in another order than they were appended in.
    let notes: Vec<Note> = (0..1_200).rev().map(note).collect();
    store.note(Arc::new(notes)).await.expect("noted");
    let before = Timestamp::from_millis(1_000_000);
    assert_eq!(store.forget_notes(before, 600).await, Ok(600));
    let offsets: Vec<Position> = (0..1_200).map(position).collect();
    let kept = async || store.notes(&offsets).await.expect("read").iter().position(Option::is_some);
    assert_eq!(kept().await, Some(600));
    assert_eq!(store.forget_notes(before, 600).await, Ok(400));
    assert_eq!(store.forget_notes(before, 600).await, Ok(0));
    assert_eq!(kept().await, Some(1_000));
    // A note stands as it was first written.
    store.note(Arc::new(vec![Note { fate: Fate::Conflict, ..note(1_100) }])).await.expect("noted again");
    assert_eq!(store.notes(&[position(1_100)]).await, Ok(vec![Some(note(1_100))]));
}

/// Settling concurrently with saves, from many callers: each sees its own account, whatever shared its commit.
#[tokio::test]
async fn accounts_settle_beside_each_other() {
    let place = tempfile::tempdir().expect("a folder");
    let store = store_in(place.path());
    let settling: Vec<_> = (0..64u32)
        .map(|number| {
            let store = store.clone();
            tokio::spawn(async move {
                let mut account = Account::opened(1, number % 8, 0);
                (0..i64::from(number)).for_each(|offset| account.count(offset, Fate::Stored));
                store.settle(account).await
            })
        })
        .collect();
    for settled in settling {
        assert_eq!(settled.await.expect("ran"), Ok(()));
    }
    let reached: Vec<i64> = store.accounts().await.expect("read").iter().map(|account| account.next_offset).collect();
    assert_eq!(reached, (56..64).collect::<Vec<i64>>());
}
