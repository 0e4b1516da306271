//! The files of a folder against one another: what can be made good is, and the rest is refused.

use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use tempfile::TempDir;
use tidegate_kernel::{Position, Timestamp};
use tidegate_ports::{Account, Accounts, DeadLetter, DeadLetters, ReadLag, Retention, SystemClock};
use tidegate_sqlite::dead_letters::EmbeddedDeadLetters;
use tidegate_sqlite::{DataFolder, EmbeddedLog, EmbeddedRegistry, EmbeddedStore, LogOptions, OwnedFolder, reconcile};

use crate::log_support::{Member, append, open, own};

const GROUP: &str = "persister";
const RECORDS: u64 = 9;

/// A folder whose log has nine records, all committed by the group.
async fn committed() -> TempDir {
    let place = tempfile::tempdir().expect("a folder");
    let log = open(place.path(), 1, LogOptions::default());
    append(&log, 0..RECORDS).await;
    let mut member = Member::join(&log, GROUP).await;
    member.read(RECORDS as usize, |_| true).await;
    log.close().await;
    place
}

struct Opened {
    folder: OwnedFolder,
    log: EmbeddedLog,
    store: EmbeddedStore,
    letters: EmbeddedDeadLetters,
}

impl Opened {
    fn at(place: &Path) -> Self {
        let folder = DataFolder::open_existing(place, None).expect("ours");
        let owned = own(&folder);
        let registry = EmbeddedRegistry::open(&folder).expect("a registry");
        Opened {
            log: EmbeddedLog::open(&owned, LogOptions::default(), Arc::new(SystemClock)).expect("a log"),
            store: EmbeddedStore::open(&owned, registry).expect("a store"),
            letters: EmbeddedDeadLetters::open(&owned).expect("dead letters"),
            folder: owned,
        }
    }

    async fn settled(self, next_offset: i64, dead: u64) -> Self {
        let account = Account { next_offset, dead, ..Account::opened(1, 0, 0) };
        self.store.settle(account).await.expect("settled");
        self
    }

    async fn reconcile(&self) -> Result<(), String> {
        reconcile(&self.folder, &self.log, GROUP, &self.store, &self.letters).await.map_err(|error| error.to_string())
    }

    /// How much the group has still to read.
    async fn lag(&self) -> u64 {
        self.log.lag(GROUP).expect("a reader").read().await.expect("a reading").records
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_store_lacks_is_read_again_and_only_that() {
    let place = committed().await;
    let opened = Opened::at(place.path()).settled(9, 0).await;
    assert_eq!((opened.reconcile().await, opened.lag().await), (Ok(()), 0), "they agree");
    drop(opened);

    let place = committed().await;
    let opened = Opened::at(place.path()).settled(4, 0).await;
    assert_eq!((opened.reconcile().await, opened.lag().await), (Ok(()), 5));
    let mut member = Member::join(&opened.log, GROUP).await;
    member.read(5, |_| true).await;
    let offsets: Vec<i64> = member.read.iter().map(|record| record.position.offset).collect();
    assert_eq!(offsets, [4, 5, 6, 7, 8]);
    assert_eq!(opened.lag().await, 0, "it commits what it read again");
    drop(member);
    opened.log.close().await;
    drop(opened);
    let opened = Opened::at(place.path()).settled(9, 0).await;
    assert_eq!((opened.reconcile().await, opened.lag().await), (Ok(()), 0), "the commits are kept");

    let place = committed().await;
    let opened = Opened::at(place.path());
    assert_eq!((opened.reconcile().await, opened.lag().await), (Ok(()), RECORDS), "a store with no account at all");
    drop(opened);
    let opened = Opened::at(place.path()).settled(2, 0).await;
    assert_eq!((opened.reconcile().await, opened.lag().await), (Ok(()), RECORDS), "set back and not begun yet");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_that_nobody_joined_and_that_lacks_what_the_store_has_is_refused() {
    let place = tempfile::tempdir().expect("a folder");
    let log = open(place.path(), 2, LogOptions::default());
    log.close().await;
    drop(log);
    let opened = Opened::at(place.path()).settled(1, 0).await;
    let told = opened.reconcile().await.expect_err("refused");
    assert!(told.contains("log.db has lost its end") && told.contains("the log ends at 0"), "{told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_refused_is_left_as_it_is() {
    let place = committed().await;
    let opened = Opened::at(place.path()).settled(10, 0).await;
    append(&opened.log, 0..1).await;
    let opened = opened.settled(11, 0).await;
    let bytes = |name: &str| std::fs::read(place.path().join(name)).expect("a WAL").len();
    let wals = || ["log.db-wal", "store.db-wal"].map(bytes);
    let before = wals();
    opened.reconcile().await.expect_err("refused");
    opened.log.close().await;
    drop(opened);
    assert_eq!(wals(), before);
    assert!(before.iter().all(|bytes| *bytes > 0), "{before:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_without_what_the_store_has_is_refused() {
    let place = committed().await;
    let told = Opened::at(place.path()).settled(10, 0).await.reconcile().await.expect_err("refused");
    assert!(told.contains("log.db has lost its end") && told.contains("offset 10 and the log ends at 9"), "{told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_loss_that_the_log_let_go_of_is_refused() {
    let place = committed().await;
    let retention = Retention { max_age_ms: 0, ..LogOptions::default().retention };
    let often = std::time::Duration::from_millis(5);
    let log = open(place.path(), 1, LogOptions { retention, housekeeping_interval: often, ..LogOptions::default() });
    let reads = || rusqlite::Connection::open(place.path().join("log.db")).expect("opened");
    let kept = || reads().query_row("SELECT count(*) FROM records", [], |row| row.get::<_, i64>(0)).expect("read");
    crate::log_support::wait_until("the log lets go of them", || kept() < 9).await;
    log.close().await;
    drop(log);
    let told = Opened::at(place.path()).settled(1, 0).await.reconcile().await.expect_err("refused");
    assert!(told.contains("store.db has lost its end") && told.contains("up to offset 1 only"), "{told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_record_that_is_to_be_read_is_refused_and_one_that_was_taken_in_is_not() {
    let place = committed().await;
    let file = rusqlite::Connection::open(place.path().join("log.db")).expect("opened");
    file.execute_batch("UPDATE records SET payload = CAST('x' AS BLOB) WHERE id = 6").expect("changed");
    file.close().expect("closed");
    let opened = Opened::at(place.path()).settled(7, 0).await;
    assert_eq!(opened.reconcile().await, Ok(()));
    drop(opened);
    let place_again = committed().await;
    let file = rusqlite::Connection::open(place_again.path().join("log.db")).expect("opened");
    file.execute_batch("UPDATE records SET payload = CAST('x' AS BLOB) WHERE id = 6").expect("changed");
    file.close().expect("closed");
    let told = Opened::at(place_again.path()).settled(6, 0).await.reconcile().await.expect_err("refused");
    assert!(told.contains("partition 0, offset 6") && told.contains("backup"), "{told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn letters_that_were_counted_and_are_gone_are_refused() {
    let place = committed().await;
    let opened = Opened::at(place.path()).settled(9, 2).await;
    let letter_at = |offset| DeadLetter {
        position: Position { generation: 1, partition: 0, offset },
        appended_at: Timestamp::from_millis(0),
        dead_lettered_at: Timestamp::from_millis(0),
        reason: "none".to_owned(),
        payload: Bytes::new(),
        provenance: tidegate_ports::Provenance::default(),
    };
    opened.letters.append(letter_at(3)).await.expect("appended");
    let told = opened.reconcile().await.expect_err("refused");
    assert!(told.contains("2 dead letters were appended and it holds 1"), "{told}");
    opened.letters.append(letter_at(4)).await.expect("appended");
    opened.letters.append(letter_at(5)).await.expect("appended");
    assert_eq!(opened.reconcile().await, Ok(()), "one that is not counted yet");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_of_other_partitions_than_the_marker_says_is_refused() {
    let place = committed().await;
    let marker = place.path().join("tidegate.json");
    let text = std::fs::read_to_string(&marker).expect("a marker");
    std::fs::write(&marker, text.replace("\"partitions\": 1", "\"partitions\": 3")).expect("written");
    let folder = DataFolder::open_existing(place.path(), None).expect("ours");
    let opened = EmbeddedLog::open(&folder.own().expect("free"), LogOptions::default(), Arc::new(SystemClock));
    let told = opened.map(drop).expect_err("refused").to_string();
    assert!(told.contains("log.db has 1 partitions and tidegate.json says 3"), "{told}");
}
