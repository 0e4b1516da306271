//! What a crash leaves: the files as they stood, perhaps with a torn end of the write-ahead log; and what becomes of them if
//! more than a torn end is gone.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use tidegate_ports::{Append, Consume, LogError, Polled, SystemClock};
use tidegate_sqlite::{DataFolder, EmbeddedLog, LogOpenError, LogOptions, SqliteError};

use crate::log_support::{DEADLINE, append, key, open, read_all, text};

const RECORDS: u64 = 60;
const WAL: &str = "log.db-wal";

/// The folder as a crash would leave it, with `damage` done to the write-ahead log, and without the mark.
fn crashed(place: &Path, damage: impl FnOnce(&mut Vec<u8>)) -> tempfile::TempDir {
    let copy = tempfile::tempdir().expect("a folder");
    for entry in fs::read_dir(place).expect("the folder") {
        let path = entry.expect("an entry").path();
        if path.extension().is_some_and(|kind| kind == "db" || kind == "json") {
            fs::copy(&path, copy.path().join(path.file_name().expect("a name"))).expect("copied");
        }
    }
    let mut wal = fs::read(place.join(WAL)).expect("a write-ahead log");
    damage(&mut wal);
    fs::write(copy.path().join(WAL), wal).expect("written");
    copy
}

/// Opens what the crash left and makes sure that it is a beginning of what was appended, at least `at_least` long,
/// and continues from there. Returns its length.
async fn assert_beginning(place: &Path, at_least: u64) -> u64 {
    let log = open(place, 1, LogOptions::default());
    let read = read_all(&log, "group").await;
    let kept = read.len() as u64;
    assert!(kept >= at_least, "{kept} records are left of {at_least} that the damage does not touch");
    for (number, record) in read.iter().enumerate() {
        assert_eq!(record.position.offset, number as i64);
        assert_eq!(record.payload, text(number as u64), "nothing is invented");
    }
    let next = log.append(key(0), text(kept)).await.expect("appended");
    assert_eq!(next.offset, kept as i64, "offsets go on");
    log.close().await;
    kept
}

#[tokio::test(flavor = "multi_thread")]
async fn a_torn_write_ahead_log_loses_only_what_the_damage_touches() {
    let place = tempfile::tempdir().expect("a folder");
    let log = open(place.path(), 1, LogOptions::default());
    // How long the write-ahead log was when each record was acknowledged.
    let mut safe_at = Vec::new();
    for number in 0..RECORDS {
        log.append(key(0), text(number)).await.expect("appended");
        safe_at.push(fs::metadata(place.path().join(WAL)).expect("a write-ahead log").len() as usize);
    }
    let safe = |bytes: usize| safe_at.iter().filter(|end| **end <= bytes).count() as u64;
    let whole = *safe_at.last().expect("records");

    let untouched = crashed(place.path(), |_| {});
    assert_eq!(assert_beginning(untouched.path(), RECORDS).await, RECORDS);
    let mut shorter = 0;
    for share in 1..12 {
        let cut = whole * share / 12 + 7;
        let truncated = crashed(place.path(), |wal| wal.truncate(cut));
        shorter += u32::from(assert_beginning(truncated.path(), safe(cut)).await < RECORDS);
        let garbled = crashed(place.path(), |wal| wal[cut..].iter_mut().for_each(|byte| *byte = byte.wrapping_add(73)));
        shorter += u32::from(assert_beginning(garbled.path(), safe(cut)).await < RECORDS);
        let flipped = crashed(place.path(), |wal| wal[cut] ^= 1);
        shorter += u32::from(assert_beginning(flipped.path(), safe(cut)).await < RECORDS);
    }
    assert!(shorter > 0, "the damage was real");
    // The one that did not crash still has everything.
    assert_eq!(read_all(&log, "group").await.len() as u64, RECORDS);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_that_lost_what_it_had_acknowledged_is_refused() {
    const MARK: &str = "log.mark";
    let place = tempfile::tempdir().expect("a folder");
    let log = open(place.path(), 1, LogOptions::default());
    append(&log, 0..RECORDS).await;
    let whole = fs::read(place.path().join(WAL)).expect("a write-ahead log").len();
    let mut refused = 0;
    for share in 1..=24 {
        let at = whole * share / 24 - 1;
        let damage = |wal: &mut Vec<u8>| if share % 2 == 0 { wal.truncate(at) } else { wal[at] ^= 4 };
        let kept = assert_beginning(crashed(place.path(), damage).path(), 0).await;
        let copy = crashed(place.path(), damage);
        fs::copy(place.path().join(MARK), copy.path().join(MARK)).expect("copied");
        let before = fs::read(copy.path().join(WAL)).expect("a write-ahead log");
        let folder = DataFolder::open_existing(copy.path(), None).expect("ours");
        let owned = folder.own().expect("free");
        let opened = EmbeddedLog::open(&owned, LogOptions::default(), Arc::new(SystemClock)).map(drop);
        drop(owned);
        match opened {
            Ok(()) => assert_eq!(kept, RECORDS, "its end is gone"),
            Err(error) => {
                refused += 1;
                let told = error.to_string();
                let numbers = format!("it had {RECORDS} records and knows of {kept};");
                assert!(told.contains("log.db has lost its end") && told.contains(&numbers), "{told}");
                assert!(told.ends_with("restore the data folder from a backup"), "{told}");
                assert_eq!(fs::read(copy.path().join(WAL)).expect("a write-ahead log"), before, "it was changed");
                fs::remove_file(copy.path().join(MARK)).expect("removed");
                assert_eq!(assert_beginning(copy.path(), 0).await, kept);
            }
        }
    }
    assert!(refused > 12, "the damage was real");
    // The mark says what was acknowledged, and no more.
    let whole = crashed(place.path(), |_| {});
    fs::copy(place.path().join(MARK), whole.path().join(MARK)).expect("copied");
    assert_eq!(assert_beginning(whole.path(), RECORDS).await, RECORDS);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_that_was_being_folded_back_is_whole_or_refused_too() {
    let place = tempfile::tempdir().expect("a folder");
    let options = LogOptions { wal_checkpoint_bytes: 128 << 10, wal_restart_bytes: 1 << 20, ..LogOptions::default() };
    let log = open(place.path(), 1, options);
    let folded = || fs::metadata(place.path().join("log.db")).expect("a file").len() > 128 << 10;
    let mut appended = 0;
    while !folded() {
        append(&log, appended..appended + 25).await;
        appended += 25;
        assert!(appended < 100_000, "nothing is ever folded back");
    }
    let (mut whole, mut refused) = (0, 0);
    for _ in 0..20 {
        if whole > 0 && refused > 0 {
            break;
        }
        // By now all may be folded back, so that nothing of it can be lost any more.
        append(&log, appended..appended + 1).await;
        appended += 1;
        for share in 0..=24 {
            // First, as another checkpoint may be counted meanwhile.
            let mark = fs::read(place.path().join("log.mark")).expect("a mark");
            let copy = crashed(place.path(), |wal| wal.truncate(wal.len() * share / 24));
            fs::write(copy.path().join("log.mark"), mark).expect("written");
            let folder = DataFolder::open_existing(copy.path(), None).expect("ours");
            match EmbeddedLog::open(&folder.own().expect("free"), LogOptions::default(), Arc::new(SystemClock)) {
                Ok(log) => {
                    whole += 1;
                    assert_eq!(read_all(&log, "group").await.len() as u64, appended);
                }
                Err(LogOpenError::File(error)) => {
                    refused += 1;
                    assert!(!matches!(error, SqliteError::Sqlite { .. }), "{error}");
                }
                Err(other) => panic!("{other}"),
            }
        }
    }
    assert!(whole > 0 && refused > 0, "{whole} whole, {refused} refused");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_that_is_not_what_was_written_is_not_read() {
    let place = tempfile::tempdir().expect("a folder");
    let log = open(place.path(), 1, LogOptions::default());
    append(&log, 0..3).await;
    let changes = ["payload = 'Record 1'", "appended_at = appended_at + 1", "payload = payload", "checksum = NULL"];
    for (change, is_read) in changes.into_iter().zip([false, false, true, true]) {
        let copy = crashed(place.path(), |_| {});
        let file = rusqlite::Connection::open(copy.path().join("log.db")).expect("opened");
        let change = change.replace("'Record 1'", "CAST('Record 1' AS BLOB)");
        file.execute_batch(&format!("UPDATE records SET {change} WHERE id = 1")).expect("changed");
        file.close().expect("closed");
        let log = open(copy.path(), 1, LogOptions::default());
        let mut consumer = log.consumer("group").await.expect("a member");
        let polled = loop {
            match consumer.poll(1 << 20, DEADLINE).await {
                Ok(Polled::Assigned(_)) => {}
                polled => break polled,
            }
        };
        match polled {
            Ok(Polled::Records(_, records)) => assert!(is_read && records.len() == 3, "{change}"),
            Err(LogError::Broken(told)) => {
                assert!(
                    !is_read && told.contains("the record at partition 0, offset 1 is not what"),
                    "{change}: {told}"
                );
            }
            other => panic!("{change}: {other:?}"),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_folded_back_needs_no_write_ahead_log() {
    let place = tempfile::tempdir().expect("a folder");
    let log = open(place.path(), 1, LogOptions::default());
    for number in 0..10 {
        log.append(key(0), text(number)).await.expect("appended");
    }
    log.close().await;
    drop(log);
    let log = open(place.path(), 1, LogOptions::default());
    for number in 10..20 {
        log.append(key(0), text(number)).await.expect("appended");
    }
    let lost = crashed(place.path(), Vec::clear);
    let kept = assert_beginning(lost.path(), 10).await;
    assert_eq!(kept, 10, "the rest was in the write-ahead log only");
}
