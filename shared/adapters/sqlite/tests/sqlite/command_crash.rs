//! A store of commands after a crash between any two writes, and after it lost its end: deciding again makes the same
//! store.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use rusqlite::types::Value;
use tempfile::TempDir;
use tidegate_kernel::command::{Attempt, Delivery, FactId, ViewChange, ViewKey};
use tidegate_kernel::{LogKey, Position, Region, Timestamp};
use tidegate_ports::{
    Account, Accounts, Append, BookWrite, Books, Deliveries, DeliveryWrite, Due, DueWrite, FactName, Facts, Fate,
    ReadLag, StoredBook, StoredFact, SystemClock, ViewWrite, Views,
};
use tidegate_sqlite::{
    DataFolder, EmbeddedCommandStore, EmbeddedLog, LogOptions, OwnedFolder, SqliteError, reconcile_commands,
};

use crate::log_support::Member;

const GROUP: &str = "decider";
const RECORDS: i64 = 40;

/// The writes of one batch, in their order.
const WRITES: usize = 6;

fn owner(offset: i64) -> LogKey {
    let number = offset % 3;
    LogKey::new(&number.to_be_bytes(), &["owner_", &number.to_string()])
}

fn at(offset: i64) -> Position {
    Position { generation: 1, partition: 0, offset }
}

/// What a batch of records writes: every row once, as it is after the last record that changed it.
#[derive(Default)]
struct Batch {
    views: BTreeMap<ViewKey, ViewWrite>,
    due: BTreeMap<String, DueWrite>,
    deliveries: Vec<DeliveryWrite>,
    facts: Vec<StoredFact>,
    books: BTreeMap<String, BookWrite>,
}

impl Batch {
    /// Decides one record: the book has all offsets of its owner, a row waits until the owner's next record.
    fn decide(&mut self, book: &mut Vec<u8>, offset: i64) {
        let (owner, position) = (owner(offset), at(offset));
        let key = |row: String| ViewKey { view: "waiting", shard: owner.text().into(), row: row.into() };
        let last = book.rsplit(|byte| *byte == b' ').next().map(|last| String::from_utf8_lossy(last).into_owned());
        for (row, doc) in [(last, None), (Some(offset.to_string()), Some(offset.to_string().into_bytes()))] {
            let Some(row) = row.filter(|row| !row.is_empty()) else { continue };
            let change = ViewChange { key: key(row), doc };
            self.views.insert(change.key.clone(), ViewWrite { change, position });
        }
        book.extend(format!(" {offset}").into_bytes());
        let due_at = (offset % 2 == 0).then_some(Timestamp::from_millis(offset));
        self.due.insert(owner.text().to_owned(), DueWrite { owner, at: due_at, position });
        let delivery = Delivery { id: format!("d{offset:03}").into(), body: book.clone() };
        self.deliveries.push(DeliveryWrite { owner, delivery, position });
        let name = FactName { owner, id: FactId::Attempt(Attempt::from_bits(offset.unsigned_abs().into())) };
        self.facts.push(StoredFact { name, position, doc: book.clone(), expires_at: None });
        let book = StoredBook { doc: book.clone(), decided_to: position };
        self.books.insert(owner.text().to_owned(), BookWrite { owner, book });
    }
}

/// Decides records as one batch, and makes at most `writes` of its writes.
async fn decide(store: &EmbeddedCommandStore, offsets: &[i64], writes: usize) {
    let mut books: BTreeMap<String, Option<StoredBook>> = BTreeMap::new();
    let mut batch = Batch::default();
    for offset in offsets {
        let owner = owner(*offset);
        if !books.contains_key(owner.text()) {
            let loaded = store.load(&[owner]).await.expect("loaded").pop().flatten();
            books.insert(owner.text().to_owned(), loaded);
        }
        let book = books.get_mut(owner.text()).expect("just loaded");
        let decided_to = book.as_ref().map(|book| book.decided_to.write_timestamp());
        if !at(*offset).is_folded(decided_to) {
            let mut doc = book.take().map(|book| book.doc).unwrap_or_default();
            batch.decide(&mut doc, *offset);
            *book = Some(StoredBook { doc, decided_to: at(*offset) });
        }
    }
    let mut account = store.account(1, 0).await.expect("read").unwrap_or(Account::opened(1, 0, 0));
    offsets.iter().for_each(|offset| account.count(*offset, Fate::Stored));
    let Batch { views, due, deliveries, facts, books } = batch;
    for write in 0..writes {
        let written = match write {
            0 => Views::put(store, Arc::new(views.values().cloned().collect())).await,
            1 => Due::put(store, Arc::new(due.values().copied().collect())).await,
            2 => Deliveries::put(store, Arc::new(deliveries.clone())).await,
            3 => store.add(Arc::new(facts.clone())).await,
            4 => store.save(Arc::new(books.values().cloned().collect())).await,
            _ => store.settle(account).await,
        };
        written.expect("written");
    }
}

async fn decide_all(store: &EmbeddedCommandStore, from: i64, batch: usize) {
    for offsets in (from..RECORDS).collect::<Vec<_>>().chunks(batch) {
        decide(store, offsets, WRITES).await;
    }
}

fn folder(place: &Path) -> OwnedFolder {
    let folder =
        DataFolder::open_or_create_commands(place, "sample", Region::Eu, 1, Timestamp::from_millis(0)).expect("ours");
    folder.own().expect("free")
}

/// Every row of the store.
fn rows(place: &Path) -> Vec<Vec<Value>> {
    let file = rusqlite::Connection::open(place.join("store.db")).expect("opened");
    let mut all = Vec::new();
    for text in [
        "SELECT * FROM books ORDER BY owner",
        "SELECT * FROM facts ORDER BY owner, fact, generation, partition, offset",
        "SELECT * FROM views ORDER BY view, shard, row",
        "SELECT * FROM due ORDER BY shard, owner",
        "SELECT * FROM deliveries ORDER BY shard, id",
        "SELECT * FROM accounts ORDER BY generation, partition",
    ] {
        let mut statement = file.prepare(text).expect("a statement");
        let columns = statement.column_count();
        let read = statement.query_map([], |row| (0..columns).map(|column| row.get(column)).collect()).expect("read");
        all.extend(read.map(|row| row.expect("a row")));
    }
    all
}

/// A store that decided everything without a crash.
async fn undisturbed() -> Vec<Vec<Value>> {
    let place = tempfile::tempdir().expect("a folder");
    let store = EmbeddedCommandStore::open(&folder(place.path())).expect("a store");
    decide_all(&store, 0, 1).await;
    drop(store);
    rows(place.path())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crash_between_any_two_writes_changes_nothing_in_the_end() {
    let expected = undisturbed().await;
    // Each owner's rows, and what was settled.
    assert!(expected.len() > 3 * RECORDS as usize, "{}", expected.len());
    for (batch, again) in [(1, 7), (4, 1), (9, 5)] {
        for writes in 0..=WRITES {
            let place = tempfile::tempdir().expect("a folder");
            let store = EmbeddedCommandStore::open(&folder(place.path())).expect("a store");
            let first: Vec<i64> = (0..18).collect();
            for offsets in first.chunks(batch) {
                decide(&store, offsets, WRITES).await;
            }
            let half_done: Vec<i64> = (18..18 + batch as i64).collect();
            decide(&store, &half_done, writes).await;
            drop(store);
            let store = EmbeddedCommandStore::open(&folder(place.path())).expect("a store");
            let settled = store.account(1, 0).await.expect("read").map_or(0, |account| account.next_offset);
            assert_eq!(settled, if writes == WRITES { 18 + batch as i64 } else { 18 });
            decide_all(&store, settled, again).await;
            drop(store);
            assert_eq!(rows(place.path()), expected, "batches of {batch}, then {again}; {writes} writes");
        }
    }
}

/// A folder whose records are all decided and committed, and still open: nothing of the store is in its file yet.
async fn decided(place: &Path) -> (EmbeddedLog, EmbeddedCommandStore) {
    let folder = folder(place);
    let log = EmbeddedLog::open(&folder, LogOptions::default(), Arc::new(SystemClock)).expect("a log");
    for offset in 0..RECORDS {
        log.append(owner(offset), Bytes::from(offset.to_string())).await.expect("appended");
    }
    let store = EmbeddedCommandStore::open(&folder).expect("a store");
    decide_all(&store, 0, 1).await;
    let mut member = Member::join(&log, GROUP).await;
    member.read(RECORDS as usize, |_| true).await;
    (log, store)
}

/// The folder as a kill leaves it, with the store's write-ahead log cut to a share of its length.
fn cut(place: &Path, share: usize, of: usize) -> TempDir {
    let copy = tempfile::tempdir().expect("a folder");
    for entry in std::fs::read_dir(place).expect("the folder") {
        let path = entry.expect("an entry").path();
        let name = path.file_name().expect("a name").to_string_lossy().into_owned();
        if name != "LOCK" && !name.ends_with("-shm") {
            std::fs::copy(&path, copy.path().join(name)).expect("copied");
        }
    }
    let wal = copy.path().join("store.db-wal");
    let mut bytes = std::fs::read(&wal).expect("a write-ahead log");
    bytes.truncate(bytes.len() * share / of);
    std::fs::write(&wal, bytes).expect("written");
    copy
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_lost_its_end_is_decided_again_to_the_same_store() {
    const SHARES: usize = 16;
    let expected = undisturbed().await;
    let place = tempfile::tempdir().expect("a folder");
    let (log, store) = decided(place.path()).await;
    let mut lost = Vec::new();
    for share in 0..=SHARES {
        let copy = cut(place.path(), share, SHARES);
        let folder = folder(copy.path());
        let log = EmbeddedLog::open(&folder, LogOptions::default(), Arc::new(SystemClock)).expect("a log");
        let store = match EmbeddedCommandStore::open(&folder) {
            Ok(store) => store,
            // A checkpoint was counted in what is gone.
            Err(SqliteError::Torn { .. }) => continue,
            Err(error) => panic!("{error}"),
        };
        reconcile_commands(&folder, &log, GROUP, &store).await.expect("made whole");
        let behind = log.lag(GROUP).expect("a reader").read().await.expect("a reading").records;
        lost.push(behind);
        let mut member = Member::join(&log, GROUP).await;
        member.read(behind as usize, |_| true).await;
        let offsets: Vec<i64> = member.read.iter().map(|record| record.position.offset).collect();
        for offsets in offsets.chunks(6) {
            decide(&store, offsets, WRITES).await;
        }
        drop((member, store));
        log.close().await;
        assert_eq!(rows(copy.path()), expected, "{behind} records were decided again");
    }
    assert!(lost.is_sorted_by(|more, less| more >= less) && lost.len() > SHARES / 2, "{lost:?}");
    assert!(lost.first() > Some(&(RECORDS as u64 / 2)) && lost.last() == Some(&0), "{lost:?}");
    drop(store);
    log.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_that_lacks_what_the_store_has_is_refused() {
    let place = tempfile::tempdir().expect("a folder");
    let folder = folder(place.path());
    let log = EmbeddedLog::open(&folder, LogOptions::default(), Arc::new(SystemClock)).expect("a log");
    let store = EmbeddedCommandStore::open(&folder).expect("a store");
    decide(&store, &[0], WRITES).await;
    let refused = reconcile_commands(&folder, &log, GROUP, &store).await.expect_err("refused").to_string();
    assert!(refused.contains("log.db has lost its end"), "{refused}");
}
