//! Two keyspaces of a command API held against each other, and what no log has copied from one into the other.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails where it stands")]

use std::sync::Arc;

use tidegate_kernel::command::{
    Attempt, Delivery, FactId, Registration, Release, Rules, ViewChange, ViewKey, VoidState,
};
use tidegate_kernel::{LogKey, Position, Timestamp};
use tidegate_ports::{
    BookWrite, Books, Clock, Deliveries, DeliveryWrite, Due, DueWrite, FactName, Facts, OwnerKeys, Releases,
    SendProgress, SendState, StoredBook, StoredFact, SystemClock, ViewWrite, Views, Void, VoidRequest, Voids,
};
use tidegate_scylla::commands::Copied;
use tidegate_scylla::{Comparison, ScyllaCommands, commands, compare, is_empty};

use crate::support::{Keyspace, options};

const AT: Position = Position { generation: 1, partition: 3, offset: 900 };
const HOUR_MS: i64 = 3_600_000;

fn owner() -> LogKey {
    LogKey::new(b"an owner", &["owner_1"])
}

fn fact(number: u128, expires_at: Option<Timestamp>) -> StoredFact {
    let name = FactName { owner: owner(), id: FactId::Attempt(Attempt::from_bits(number)) };
    StoredFact { name, position: AT, doc: b"{}".to_vec(), expires_at }
}

/// One row in each table that follows from the log.
async fn filled(store: &ScyllaCommands, in_a_day: Timestamp) {
    let key = ViewKey { view: "things", shard: "all".into(), row: "one".into() };
    let change = ViewChange { key, doc: Some(b"{}".to_vec()) };
    store.put_view(change).await;
    Due::put(store, Arc::new(vec![DueWrite { owner: owner(), at: Some(Timestamp::from_millis(5)), position: AT }]))
        .await
        .unwrap();
    let delivery = Delivery { id: "evt_1".into(), body: b"{}".to_vec() };
    Deliveries::put(store, Arc::new(vec![DeliveryWrite { owner: owner(), delivery, position: AT }])).await.unwrap();
    store.add_facts(vec![fact(1, None), fact(2, Some(in_a_day))]).await;
    let book = StoredBook { doc: br#"{"granted":1}"#.to_vec(), decided_to: AT };
    store.save(Arc::new(vec![BookWrite { owner: owner(), book }])).await.unwrap();
}

trait Shortly {
    async fn put_view(&self, change: ViewChange);
    async fn add_facts(&self, facts: Vec<StoredFact>);
}

impl Shortly for ScyllaCommands {
    async fn put_view(&self, change: ViewChange) {
        Views::put(self, Arc::new(vec![ViewWrite { change, position: AT }])).await.unwrap();
    }

    async fn add_facts(&self, facts: Vec<StoredFact>) {
        Facts::add(self, Arc::new(facts)).await.unwrap();
    }
}

async fn compared(one: &Keyspace, other: &Keyspace) -> Comparison {
    let names = [one.name.as_str(), other.name.as_str()];
    compare::keyspaces(&options(&one.name), &commands::SCHEMA, names, SystemClock.now()).await.unwrap()
}

/// The tables with a difference, and how many there are.
fn differing(comparison: &Comparison) -> Vec<(&'static str, u64)> {
    let differ = comparison.tables.iter().filter(|table| table.differences > 0);
    differ.map(|table| (table.table, table.differences)).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_table_is_compared_with_its_write_timestamps() {
    let (one, other) = (Keyspace::of_commands().await, Keyspace::of_commands().await);
    let (ours, theirs) = (one.commands().await, other.commands().await);
    let in_a_day = SystemClock.now().plus_millis(24 * HOUR_MS);
    assert!(is_empty(&options(&one.name), &commands::SCHEMA).await.unwrap());
    filled(&ours, in_a_day).await;
    assert!(!is_empty(&options(&one.name), &commands::SCHEMA).await.unwrap());
    let nothing_there = compared(&one, &other).await;
    // A delivery that only one has may have ended in the other.
    assert_eq!(differing(&nothing_there), [("books", 1), ("facts", 2), ("views", 1), ("due", 1)]);
    filled(&theirs, in_a_day).await;
    let equal = compared(&one, &other).await;
    assert!(equal.are_equal(), "{:#?}", equal.first);
    let rows: Vec<_> = equal.tables.iter().map(|table| (table.table, table.rows_one, table.rows_other)).collect();
    assert_eq!(rows, [("books", 1, 1), ("facts", 2, 2), ("views", 1, 1), ("due", 1, 1), ("deliveries", 1, 1)]);

    // What a later command wrote, though it wrote the same.
    let later = Position { offset: 901, ..AT };
    let again = StoredBook { doc: br#"{"granted":1}"#.to_vec(), decided_to: later };
    theirs.save(Arc::new(vec![BookWrite { owner: owner(), book: again }])).await.unwrap();
    let comparison = compared(&one, &other).await;
    let columns: Vec<_> = comparison.first.iter().filter_map(|one| one.column).collect();
    assert_eq!(columns, ["decided_to", "WRITETIME(doc)", "WRITETIME(decided_to)"], "{:#?}", comparison.first);
}

/// An expired fact is stored in a rebuild, since records behind it were decided by it, and is no difference.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_has_expired_is_there_in_a_rebuild_and_is_not_compared() {
    let (one, other) = (Keyspace::of_commands().await, Keyspace::of_commands().await);
    let (live, rebuilt) = (one.commands().await, other.commands().await.rebuilding());
    let an_hour_ago = SystemClock.now().plus_millis(-HOUR_MS);
    let expired = fact(7, Some(an_hour_ago));
    for store in [&live, &rebuilt] {
        store.add_facts(vec![expired.clone()]).await;
    }
    assert_eq!(Facts::find(&live, &[expired.name]).await.unwrap(), [vec![]]);
    assert_eq!(Facts::find(&rebuilt, &[expired.name]).await.unwrap(), [vec![expired]]);
    assert!(compared(&one, &other).await.are_equal());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_no_log_has_is_copied_and_an_erased_key_stays_erased() {
    let (one, other) = (Keyspace::of_commands().await, Keyspace::of_commands().await);
    let (live, rebuilt) = (one.commands().await, other.commands().await);
    let [kept, erased] = ["owner_1", "owner_2"].map(|text| LogKey::new(text.as_bytes(), &[text]));
    for owner in [kept, erased] {
        live.create(owner, owner.text().as_bytes().to_vec()).await.unwrap();
    }
    let release = Release { name: "0.1.0".into(), format: 1, rules: Rules::FIRST };
    let registration = Registration { release: release.clone(), seen_at: Timestamp::from_millis(7) };
    live.register(registration.clone()).await.unwrap();
    live.cannot_decide(release.clone(), AT).await.unwrap();
    let request = VoidRequest { position: AT, reason: "garbage".to_owned(), asked_at: Timestamp::from_millis(1) };
    live.ask(request.clone()).await.unwrap();
    let void = |state| Void { request: request.clone(), state };
    let now = SystemClock.now();
    let tried = |tries, state, after_ms| {
        let at = now.plus_millis(after_ms);
        SendProgress { tries, state, last: "status 500".to_owned(), at }
    };
    let (sent, later) = (tried(1, SendState::Sent, 0), tried(3, SendState::GivenUp, 9));
    live.note(kept, "evt_1", sent.clone()).await.unwrap();
    live.note(kept, "evt_2", tried(2, SendState::GivenUp, 5)).await.unwrap();
    // The rebuilt one has tried since.
    rebuilt.note(kept, "evt_2", later.clone()).await.unwrap();
    for id in ["evt_1", "evt_2"] {
        let delivery = Delivery { id: id.into(), body: b"{}".to_vec() };
        let write = DeliveryWrite { owner: kept, delivery, position: AT };
        Deliveries::put(&rebuilt, Arc::new(vec![write])).await.unwrap();
    }
    assert_eq!(live.copy_what_no_log_has(&rebuilt).await, Ok(Copied { owner_keys: 2, voids: 1, tried: 2 }));
    live.erase(erased).await.unwrap();
    assert_eq!(rebuilt.all().await.unwrap(), [void(VoidState::Asked)]);
    for state in [VoidState::Withdrawn, VoidState::Asked, VoidState::InForce, VoidState::InForce] {
        let round = live.ask(request.clone()).await.unwrap();
        if state != VoidState::Asked {
            live.settle(AT, round, state).await.unwrap();
        }
        assert_eq!(live.copy_what_no_log_has(&rebuilt).await, Ok(Copied { owner_keys: 2, voids: 1, tried: 2 }));
        assert_eq!(OwnerKeys::find(&rebuilt, kept).await.unwrap(), Some(b"owner_1".to_vec()));
        assert_eq!(OwnerKeys::find(&rebuilt, erased).await.unwrap(), None);
        assert_eq!(rebuilt.all().await.unwrap(), [void(state)]);
        assert_eq!(rebuilt.registered().await.unwrap(), std::slice::from_ref(&registration));
        assert_eq!(rebuilt.inabilities().await.unwrap(), [(AT, release.clone())]);
        let found = rebuilt.kept(kept.shard(), None, 10).await.unwrap();
        let progress: Vec<_> = found.into_iter().map(|one| one.progress).collect();
        assert_eq!(progress, [Some(sent.clone()), Some(later.clone())]);
    }
}
