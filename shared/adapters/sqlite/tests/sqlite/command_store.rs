//! The suites of the command ports, on a folder.

use std::path::Path;
use std::sync::Arc;

use tidegate_conformance::{accounts, books, deliveries, due, facts, owner_keys, releases, views, voids};
use tidegate_kernel::command::{Attempt, Delivery, FactId, ViewChange, ViewKey, VoidState};
use tidegate_kernel::{LogKey, Position, Region, Timestamp};
use tidegate_ports::{
    Account, Accounts, BookWrite, Books, Deliveries, DeliveryWrite, Due, DueWrite, FactName, Facts, OwnerKeys,
    Releases, SendProgress, SendState, StoreError, StoredBook, StoredFact, ViewWrite, Views, Void, VoidRequest, Voids,
};
use tidegate_sqlite::{DataFolder, EmbeddedCommandStore, EmbeddedKeys, Expired, SqliteError};

const NOW: Timestamp = Timestamp::from_millis(1_790_000_000_000);
const DAY_MS: i64 = 86_400_000;

fn folder(place: &Path) -> DataFolder {
    DataFolder::open_or_create_commands(place, "sample", Region::Eu, 1, NOW).expect("ours")
}

fn store_in(place: &Path) -> EmbeddedCommandStore {
    EmbeddedCommandStore::open(&folder(place).own().expect("owned")).expect("a store")
}

#[tokio::test(flavor = "multi_thread")]
async fn the_store_passes_the_suites() {
    let place = tempfile::tempdir().expect("a folder");
    let store = store_in(place.path());
    books::suite(&store).await;
    facts::suite(&store).await;
    facts::a_wait_ends_with_the_next_fact(&store).await;
    views::suite(&store).await;
    due::suite(&store).await;
    deliveries::suite(&store).await;
    accounts::suite(&store).await;
    let accounts = store.accounts().await;
    drop(store);
    assert_eq!(store_in(place.path()).accounts().await, accounts, "all of it is there after a restart");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_keys_pass_the_suites_and_a_second_process_sees_them() {
    let place = tempfile::tempdir().expect("a folder");
    let keys = EmbeddedKeys::open(&folder(place.path())).expect("keys");
    owner_keys::suite(&keys).await;
    voids::suite(&keys).await;
    releases::suite(&keys).await;
    let second = EmbeddedKeys::open(&folder(place.path())).expect("keys");
    let owner = owner(1);
    second.create(owner, vec![1; 60]).await.expect("created");
    assert_eq!(keys.find(owner).await, Ok(Some(vec![1; 60])));
    keys.erase(owner).await.expect("erased");
    assert_eq!(second.find(owner).await, Ok(None));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_erased_key_leaves_no_byte_on_disk() {
    let place = tempfile::tempdir().expect("a folder");
    let keys = EmbeddedKeys::open(&folder(place.path())).expect("keys");
    let wrapped = b"0123456789 is nowhere else on this disk".to_vec();
    let is_there = || {
        let entries = std::fs::read_dir(place.path()).expect("a folder").map(|entry| entry.expect("an entry").path());
        let mut files = entries.filter(|path| path.is_file()).map(|path| std::fs::read(path).expect("read"));
        files.any(|bytes| bytes.windows(wrapped.len()).any(|window| window == wrapped))
    };
    keys.create(owner(1), wrapped.clone()).await.expect("created");
    assert!(is_there());
    keys.erase(owner(1)).await.expect("erased");
    assert!(!is_there());
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_that_were_lost_are_refused() {
    let place = tempfile::tempdir().expect("a folder");
    let keys = EmbeddedKeys::open(&folder(place.path())).expect("keys");
    for number in 0..3 {
        keys.create(owner(number), vec![1; 60]).await.expect("created");
    }
    let copy = tempfile::tempdir().expect("a folder");
    for name in ["tidegate.json", "keys.db", "keys.mark", "log.db", "store.db", "inbox.db"] {
        // Without the write-ahead log.
        std::fs::copy(place.path().join(name), copy.path().join(name)).expect("copied");
    }
    let refused = EmbeddedKeys::open(&folder(copy.path())).map(drop).expect_err("refused").to_string();
    assert!(refused.contains("keys.db has lost its end: it had 3 changes and knows of 0;"), "{refused}");
}

fn owner(number: u8) -> LogKey {
    LogKey::new(&[number], &["owner_", &number.to_string()])
}

fn at(offset: i64) -> Position {
    Position { generation: 1, partition: 0, offset }
}

fn fact(offset: i64, expires_at: Option<Timestamp>) -> StoredFact {
    let id = FactId::Attempt(Attempt::from_bits(offset.unsigned_abs().into()));
    StoredFact { name: FactName { owner: owner(1), id }, position: at(offset), doc: b"{}".to_vec(), expires_at }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_process_reads_the_store_and_writes_nothing() {
    let place = tempfile::tempdir().expect("a folder");
    let folder = folder(place.path());
    let refused = EmbeddedCommandStore::open_read_only(&folder).map(drop).expect_err("nothing is there yet");
    assert!(matches!(refused, SqliteError::OtherVersion { found: 0, .. }), "{refused}");
    let store = store_in(place.path());
    let reader = EmbeddedCommandStore::open_read_only(&folder).expect("read only");
    let fact = fact(1, None);
    assert_eq!(reader.find(&[fact.name]).await, Ok(vec![vec![]]));
    store.add(Arc::new(vec![fact.clone()])).await.expect("added");
    assert_eq!(reader.find(&[fact.name]).await, Ok(vec![vec![fact.clone()]]));
    assert!(matches!(reader.add(Arc::new(vec![fact])).await, Err(StoreError::Refused(_))));
    let account = Account { next_offset: 1, ..Account::opened(1, 0, 0) };
    assert!(matches!(reader.settle(account).await, Err(StoreError::Refused(_))));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_expired_is_deleted_and_the_rest_stays() {
    let place = tempfile::tempdir().expect("a folder");
    let store = store_in(place.path());
    let facts = vec![fact(1, Some(NOW)), fact(2, Some(NOW.plus_millis(1))), fact(3, None)];
    let names: Vec<FactName> = facts.iter().map(|fact| fact.name).collect();
    store.add(Arc::new(facts.clone())).await.expect("added");
    let deliveries = ["old", "new", "waits"].map(|id| {
        let delivery = Delivery { id: id.into(), body: b"{}".to_vec() };
        DeliveryWrite { owner: owner(1), delivery, position: at(1) }
    });
    Deliveries::put(&store, Arc::new(deliveries.to_vec())).await.expect("put");
    for (id, state, age_ms) in [
        ("old", SendState::Sent, 4 * DAY_MS),
        ("new", SendState::GivenUp, 2 * DAY_MS),
        ("waits", SendState::Retry(NOW), 4 * DAY_MS),
    ] {
        let progress = SendProgress { tries: 1, state, last: "200".to_owned(), at: NOW.plus_millis(-age_ms) };
        store.note(owner(1), id, progress).await.expect("noted");
    }
    let row = |offset: i64, doc: Option<&[u8]>| {
        let key = ViewKey { view: "things", shard: "s".into(), row: offset.to_string().into() };
        ViewWrite { change: ViewChange { key, doc: doc.map(<[u8]>::to_vec) }, position: at(offset) }
    };
    let rows = vec![row(1, None), row(2, Some(b"{}")), row(3, None), row(4, None)];
    Views::put(&store, Arc::new(rows)).await.expect("put");
    store.settle(Account { next_offset: 4, ..Account::opened(1, 0, 0) }).await.expect("settled");

    let expected = Expired { facts: 1, deliveries: 1, removed_rows: 2 };
    assert_eq!(store.delete_expired(NOW, 100).await, Ok(expected));
    assert_eq!(store.delete_expired(NOW, 100).await, Ok(Expired::default()));
    assert_eq!(store.find(&names).await, Ok(vec![vec![], vec![facts[1].clone()], vec![facts[2].clone()]]));
    let waiting = store.waiting(owner(1).shard(), None, 10).await.expect("read");
    assert_eq!(waiting.len(), 1);
    // What was not settled is still guarded by its removal.
    let again = |offset: i64| ViewWrite { position: at(0), ..row(offset, Some(b"older")) };
    Views::put(&store, Arc::new(vec![again(4), again(2)])).await.expect("put");
    let keys = [4, 2].map(|offset| row(offset, None).change.key);
    assert_eq!(store.get(&keys).await, Ok(vec![None, Some(b"{}".to_vec())]));
}

#[tokio::test(flavor = "multi_thread")]
async fn writes_from_many_callers_share_commits_and_are_all_there() {
    let place = tempfile::tempdir().expect("a folder");
    let store = store_in(place.path());
    let write = |number: u8| BookWrite {
        owner: owner(number),
        book: StoredBook { doc: vec![number; 100], decided_to: at(i64::from(number)) },
    };
    let saving: Vec<_> = (0..200)
        .map(|number| {
            let store = store.clone();
            tokio::spawn(async move { store.save(Arc::new(vec![write(number)])).await })
        })
        .collect();
    for saved in saving {
        assert_eq!(saved.await.expect("ran"), Ok(()));
    }
    let owners: Vec<LogKey> = (0..200).map(owner).collect();
    let expected = (0..200).map(|number| Some(write(number).book)).collect();
    assert_eq!(store.load(&owners).await, Ok(expected));
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_follows_from_a_command_shows_that_deciding_it_has_begun() {
    const PARTITIONS: u32 = 16;
    let of = owner(1).partition(PARTITIONS);
    let position = Position { partition: of, ..at(7) };
    let (here, elsewhere) = (|offset| Position { partition: of, ..at(offset) }, (of + 1) % PARTITIONS);
    for table in ["books", "facts", "views", "due"] {
        let place = tempfile::tempdir().expect("a folder");
        let store = store_in(place.path());
        assert_eq!(store.has_begun(here(0), PARTITIONS).await, Ok(false), "{table} is empty");
        let written = match table {
            "books" => {
                let book = StoredBook { doc: b"{}".to_vec(), decided_to: position };
                store.save(Arc::new(vec![BookWrite { owner: owner(1), book }])).await
            }
            "facts" => store.add(Arc::new(vec![StoredFact { position, ..fact(7, None) }])).await,
            "views" => {
                let key = ViewKey { view: "things", shard: "s".into(), row: "removed".into() };
                let change = ViewChange { key, doc: None };
                Views::put(&store, Arc::new(vec![ViewWrite { change, position }])).await
            }
            _ => Due::put(&store, Arc::new(vec![DueWrite { owner: owner(1), at: None, position }])).await,
        };
        written.expect("written");
        for (from, has_begun) in [
            (here(6), true),
            (here(7), true),
            (here(8), false),
            (Position { generation: 2, ..here(0) }, false),
            (Position { partition: elsewhere, ..at(0) }, false),
        ] {
            assert_eq!(store.has_begun(from, PARTITIONS).await, Ok(has_begun), "{table}: {from}");
        }
    }
}

/// `keys.db` as a build from before releases left it.
#[tokio::test(flavor = "multi_thread")]
async fn the_voids_of_a_former_build_are_in_force_and_its_file_goes_on() {
    let place = tempfile::tempdir().expect("a folder");
    drop(EmbeddedKeys::open(&folder(place.path())).expect("keys"));
    {
        let file = rusqlite::Connection::open(place.path().join("keys.db")).expect("a file");
        file.execute_batch(
            "DROP TABLE releases; DROP TABLE inabilities; ALTER TABLE voids DROP COLUMN state; \
             ALTER TABLE voids DROP COLUMN ask_round; \
             INSERT INTO voids (generation, partition, offset, reason, voided_at_ms) VALUES (1, 3, 900, 'garbage', 7); \
             PRAGMA user_version = 1;",
        )
        .expect("as it was");
    }
    let keys = EmbeddedKeys::open(&folder(place.path())).expect("keys");
    let position = Position { generation: 1, partition: 3, offset: 900 };
    let request = VoidRequest { position, reason: "garbage".to_owned(), asked_at: Timestamp::from_millis(7) };
    let void = Void { request, state: VoidState::InForce };
    assert_eq!(keys.all().await, Ok(vec![void]));
    assert_eq!(keys.registered().await, Ok(vec![]));
}
