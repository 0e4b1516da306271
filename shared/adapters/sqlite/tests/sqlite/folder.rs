//! Opening a data folder: made once, owned by one, and refused unchanged when it is not certainly ours and whole.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::Arc;

use rusqlite::Connection;
use tempfile::TempDir;
use tidegate_kernel::{Region, Timestamp};
use tidegate_ports::SystemClock;
use tidegate_sqlite::{DataFolder, EmbeddedLog, FolderError, LogOptions};

use crate::log_support::own;

const NOW: Timestamp = Timestamp::from_millis(1_700_000_000_000);

fn made() -> TempDir {
    let place = tempfile::tempdir().expect("a folder");
    DataFolder::open_or_create(place.path(), Region::Eu, 3, NOW).expect("a new folder");
    place
}

fn contents(place: &Path) -> BTreeMap<String, Vec<u8>> {
    fs::read_dir(place)
        .expect("a folder")
        .map(|entry| entry.expect("an entry"))
        .map(|entry| (entry.file_name().to_string_lossy().into_owned(), fs::read(entry.path()).unwrap_or_default()))
        // Locks and shared memory hold no data.
        .filter(|(name, _)| name != "LOCK" && !name.ends_with("-shm"))
        .filter(|(name, bytes)| !(name.ends_with("-wal") && bytes.is_empty()))
        .collect()
}

/// Opens everything a service opens.
fn open(place: &Path) -> Result<(), String> {
    let folder = DataFolder::open_or_create(place, Region::Eu, 4, NOW).map_err(|error| error.to_string())?;
    let owned = folder.own().map_err(|error| error.to_string())?;
    let log = EmbeddedLog::open(&owned, LogOptions::default(), Arc::new(SystemClock));
    drop(owned);
    let opened = log.map(drop).map_err(|error| error.to_string());
    drop(own(&folder));
    opened
}

fn assert_refused(place: &Path, words: &[&str]) {
    let before = contents(place);
    let refusal = open(place).expect_err("refused");
    for word in words {
        assert!(refusal.contains(word), "'{refusal}' does not say '{word}'");
    }
    assert_eq!(contents(place), before, "a refused folder is left as it is");
}

#[test]
fn a_new_folder_keeps_what_was_fixed_when_it_was_made() {
    let base = tempfile::tempdir().expect("a folder");
    let place = base.path().join("not/there/yet");
    let made = DataFolder::open_or_create(&place, Region::Us, 7, NOW).expect("a new folder");
    assert_eq!((made.region(), made.partitions(), made.created_at()), (Region::Us, 7, NOW));
    let again = DataFolder::open_or_create(&place, Region::Us, 4, Timestamp::from_millis(5)).expect("the same folder");
    assert_eq!((again.partitions(), again.created_at()), (7, NOW));
    let existing = DataFolder::open_existing(&place, None).expect("the same folder");
    assert_eq!(existing.region(), Region::Us);
}

#[test]
fn one_owner_at_a_time_and_management_beside_it() {
    let place = made();
    let folder = DataFolder::open_existing(place.path(), Some(Region::Eu)).expect("ours");
    let owner = folder.own().expect("free");
    let refusal = folder.own().expect_err("taken");
    assert!(matches!(refusal, FolderError::InUse { .. }));
    assert!(refusal.to_string().contains(&*place.path().to_string_lossy()), "{refusal}");
    DataFolder::open_existing(place.path(), None).expect("management needs no lock");
    drop(owner);
    folder.own().expect("free again");
}

#[tokio::test]
async fn a_log_holds_the_folder_until_it_is_closed() {
    let place = made();
    let folder = DataFolder::open_existing(place.path(), None).expect("ours");
    let owned = folder.own().expect("free");
    let log = EmbeddedLog::open(&owned, LogOptions::default(), Arc::new(SystemClock)).expect("a log");
    drop(owned);
    assert!(matches!(folder.own(), Err(FolderError::InUse { .. })));
    log.close().await;
    folder.own().expect("given back");
}

#[test]
fn an_interrupted_creation_is_finished() {
    let place = made();
    fs::rename(place.path().join("tidegate.json"), place.path().join("tidegate.json.draft")).expect("renamed");
    fs::remove_file(place.path().join("registry.db")).expect("removed");
    fs::write(place.path().join("store.db"), b"").expect("emptied");
    assert_eq!(open(place.path()), Ok(()));
}

#[test]
fn there_must_be_something_to_open() {
    let place = tempfile::tempdir().expect("a folder");
    for path in [place.path().to_owned(), place.path().join("absent")] {
        let refusal = DataFolder::open_existing(&path, None).expect_err("nothing there");
        assert!(matches!(refusal, FolderError::NotThere { .. }), "{refusal}");
    }
    for partitions in [0, 1_025] {
        let refusal = DataFolder::open_or_create(place.path(), Region::Eu, partitions, NOW).expect_err("refused");
        assert!(refusal.to_string().contains(&partitions.to_string()), "{refusal}");
    }
    assert!(contents(place.path()).is_empty());
}

#[test]
fn a_foreign_place_is_refused() {
    let place = tempfile::tempdir().expect("a folder");
    fs::write(place.path().join("thesis.txt"), b"my own words").expect("written");
    assert_refused(place.path(), &["not empty", "thesis.txt"]);

    let place = tempfile::tempdir().expect("a folder");
    fs::write(place.path().join("log.db"), b"someone's own").expect("written");
    assert_refused(place.path(), &["not empty", "log.db"]);

    let file = tempfile::NamedTempFile::new().expect("a file");
    let refusal = open(file.path()).expect_err("refused");
    assert!(refusal.contains("not a folder"), "{refusal}");
}

#[test]
fn another_region_is_refused() {
    let place = made();
    let before = contents(place.path());
    for refusal in [
        DataFolder::open_or_create(place.path(), Region::Us, 3, NOW).expect_err("refused"),
        DataFolder::open_existing(place.path(), Some(Region::Us)).expect_err("refused"),
    ] {
        let text = refusal.to_string();
        assert!(text.contains("'eu'") && text.contains("'us'"), "{text}");
    }
    assert_eq!(contents(place.path()), before);
}

#[test]
fn a_marker_that_is_not_understood_is_refused() {
    for (marker, words) in [
        ("", "no readable marker"),
        ("{}", "no readable marker"),
        (r#"{"format":1,"region":"eu"}"#, "no readable marker"),
        (r#"{"format":1,"region":"eu","partitions":0,"created_at":"2026-01-01T00:00:00Z"}"#, "0 partitions"),
        (r#"{"format":1,"region":"mars","partitions":4,"created_at":"2026-01-01T00:00:00Z"}"#, "mars"),
        (r#"{"format":2,"anything":"else"}"#, "format 2"),
    ] {
        let place = made();
        fs::write(place.path().join("tidegate.json"), marker).expect("written");
        assert_refused(place.path(), &[words]);
    }
}

#[test]
fn a_missing_file_is_refused() {
    for name in ["log.db", "store.db", "registry.db", "dead_letters.db"] {
        let place = made();
        fs::remove_file(place.path().join(name)).expect("removed");
        assert_refused(place.path(), &[name, "missing"]);
        assert!(!place.path().join(name).exists(), "it is not made anew");
    }
}

#[test]
fn a_file_that_is_no_database_is_refused() {
    for bytes in [Vec::new(), b"hello".to_vec(), vec![0xa5; 50_000]] {
        let place = made();
        fs::write(place.path().join("log.db"), bytes).expect("written");
        assert_refused(place.path(), &["log.db", "not a SQLite database"]);
    }
}

#[test]
fn a_database_of_something_else_is_refused() {
    let place = made();
    let path = place.path().join("log.db");
    fs::remove_file(&path).expect("removed");
    let foreign = Connection::open(&path).expect("a database");
    foreign.execute_batch("PRAGMA application_id = 42; CREATE TABLE mine (a)").expect("a table");
    drop(foreign);
    assert_refused(place.path(), &["log.db", "something else", "42"]);

    // The folder's own files, mixed up.
    let place = made();
    fs::copy(place.path().join("store.db"), place.path().join("log.db")).expect("copied");
    assert_refused(place.path(), &["log.db", "something else"]);
}

#[test]
fn a_file_of_a_newer_build_is_refused() {
    let place = made();
    let newer = Connection::open(place.path().join("log.db")).expect("a database");
    newer.pragma_update(None, "user_version", 99).expect("set");
    drop(newer);
    assert_refused(place.path(), &["log.db", "version 99"]);
}

#[test]
fn a_damaged_file_is_refused() {
    let place = made();
    assert_eq!(open(place.path()), Ok(()));
    let path = place.path().join("log.db");
    let file = Connection::open(&path).expect("a database");
    for id in 0..200 {
        file.execute("INSERT INTO records (id, appended_at, payload) VALUES (?1, 0, zeroblob(500))", [id])
            .expect("a record");
    }
    let busy: bool = file.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0)).expect("a checkpoint");
    assert!(!busy, "another process uses it");
    drop(file);
    let whole = fs::read(&path).expect("the file");

    let mut torn = whole.clone();
    torn[8 * 4_096..10 * 4_096].fill(0x5a);
    fs::write(&path, torn).expect("written");
    assert_refused(place.path(), &["log.db", "damaged"]);

    fs::write(&path, &whole[..whole.len() / 2]).expect("written");
    assert_refused(place.path(), &["log.db", "damaged"]);

    fs::write(&path, whole).expect("written");
    assert_eq!(open(place.path()), Ok(()), "the whole file is taken");
}
