//! What is synced, what restarts, and what a WAL that lost its end leaves.

use std::path::Path;
use std::sync::Arc;

use rusqlite::ffi;
use tidegate_agentping_ports::Note;
use tidegate_kernel::{Position, Region, Timestamp};
use tidegate_ports::{Account, Fate};

use super::*;
use crate::agentping::store::{MIGRATIONS, RunTables, Work};
use crate::folder::{DataFolder, STORE};
use crate::guards::Refused;

fn open_file(path: &Path) -> Result<(Connection, FileGuard), SqliteError> {
    crate::store_file::open_file(path, STORE, MIGRATIONS, Refused::default())
}

fn opened(place: &Path) -> WriterState<RunTables> {
    let folder = DataFolder::open_or_create(place, Region::Eu, 1, Timestamp::from_millis(0)).expect("ours");
    let (connection, guard) = open_file(&place.join("store.db")).expect("opened");
    WriterState::open(connection, guard, STORE, RunTables::default(), folder.own().expect("free"))
        .expect("a writer's state")
}

#[test]
fn only_what_is_settled_is_synced_and_with_it_all_before() {
    let place = tempfile::tempdir().expect("a folder");
    let mut state = opened(place.path());
    let runs = || Work::Runs(Arc::default());
    let notes = || Work::Notes(Arc::default());
    let mut next_offset = 0;
    let mut account = || {
        next_offset += 1;
        Work::Account(Account { next_offset, stored: 1, ..Account::opened(1, 0, 0) })
    };
    for (works, synced) in [
        (vec![runs()], false),
        (vec![notes(), runs(), account()], true),
        (vec![notes()], false),
        (vec![account()], true),
    ] {
        state.save(&works).expect("saved");
        let level: i64 = state.connection.pragma_query_value(None, "synchronous", |row| row.get(0)).expect("read");
        // SQLite's numbers: 1 is NORMAL, 2 is FULL.
        assert_eq!(level, if synced { 2 } else { 1 });
    }
}

#[test]
fn under_steady_writing_the_wal_begins_anew_and_its_file_is_written_over() {
    let place = tempfile::tempdir().expect("a folder");
    let mut state = opened(place.path());
    state.limits = WalLimits { checkpoint_every_bytes: 64 << 10, restart_beyond_bytes: 512 << 10, ..WalLimits::USUAL };
    let file_bytes = || place.path().join("store.db-wal").metadata().expect("a WAL").len();
    let mut offset = 0;
    let mut write = |state: &mut WriterState<RunTables>| {
        offset += 1;
        state.save(&[notes(offset)]).expect("saved");
    };
    let mut was_beyond = false;
    while !(was_beyond && state.checkpointer.wal_bytes() == 0) {
        write(&mut state);
        was_beyond |= state.checkpointer.wal_bytes() > state.limits.restart_beyond_bytes;
        state.tend_wal();
        assert!(file_bytes() < 256 << 20, "it never begins anew");
    }
    let before = file_bytes();
    write(&mut state);
    assert_eq!(file_bytes(), before);
}

#[test]
fn after_a_sync_that_failed_nothing_is_written_any_more() {
    let place = tempfile::tempdir().expect("a folder");
    let mut state = opened(place.path());
    let failure = |code| rusqlite::Error::SqliteFailure(ffi::Error::new(code), None);
    let account = || Work::Account(Account::opened(1, 0, 0));
    for passes in [ffi::SQLITE_FULL, ffi::SQLITE_BUSY] {
        state.note_failed_sync(&failure(passes));
        state.save(&[account()]).expect("saved");
    }
    state.note_failed_sync(&failure(ffi::SQLITE_IOERR_FSYNC));
    assert!(matches!(state.save(&[account()]), Err(StoreError::Broken(_))));
    assert!(matches!(state.save(&[Work::Runs(Arc::default())]), Err(StoreError::Broken(_))));
    assert!(matches!(state.delete(|_| Ok(0)), Err(StoreError::Broken(_))));
}

fn notes(offset: i64) -> Work {
    some_notes(offset, NOTES)
}

/// Notes all over their table.
fn some_notes(offset: i64, count: u32) -> Work {
    let partition = |number: u32| (offset.unsigned_abs() as u32 * 7_919 + number * 53) % 5_003;
    let note = |number| Note {
        position: Position { generation: 1, partition: partition(number), offset },
        appended_at: Timestamp::from_millis(offset),
        key: None,
        fate: Fate::Dead,
    };
    Work::Notes(Arc::new((0..count).map(note).collect()))
}

const NOTES: u32 = 100;
/// Of these, the first commits have all and later ones few: no two of them write the same pages.
const FIRST: i64 = 200;
const FEW: u32 = 4;

/// The files as a kill leaves them, with the WAL cut to this share of its length; and what is then read: the offset up to
/// which every note is there, or the refusal.
fn cut(place: &Path, share: (usize, usize)) -> Result<i64, SqliteError> {
    let copy = tempfile::tempdir().expect("a folder");
    for name in ["store.db", "store.mark"] {
        // No checkpoint was begun yet.
        let _ = std::fs::copy(place.join(name), copy.path().join(name));
    }
    let mut wal = std::fs::read(place.join("store.db-wal")).expect("a WAL");
    wal.truncate(wal.len() / share.1 * share.0);
    std::fs::write(copy.path().join("store.db-wal"), wal).expect("written");
    let (connection, _guard) = open_file(&copy.path().join("store.db"))?;
    let read = |sql| connection.query_row::<i64, _, _>(sql, [], |row| row.get(0)).expect("read");
    let (notes, last) = (read("SELECT count(*) FROM notes"), read("SELECT coalesce(max(offset), 0) FROM notes"));
    let saved = FIRST * i64::from(NOTES) + (last - FIRST) * i64::from(FEW);
    assert_eq!(notes, saved, "what is left is no beginning of what was saved");
    let check: String = connection.query_row("PRAGMA integrity_check", [], |row| row.get(0)).expect("checked");
    assert_eq!(check, "ok");
    Ok(last)
}

#[test]
fn a_wal_that_lost_its_end_is_a_beginning_of_what_was_saved_or_is_refused() {
    let place = tempfile::tempdir().expect("a folder");
    let mut filled = opened(place.path());
    (1..=FIRST).for_each(|offset| filled.save(&[notes(offset)]).expect("saved"));
    // All is in the file then.
    drop(filled);
    let mut state = opened(place.path());
    state.limits = WalLimits { checkpoint_every_bytes: 3 << 10, restart_beyond_bytes: 1 << 20, ..WalLimits::USUAL };
    let (mut shorter, mut torn) = (0, 0);
    for offset in FIRST + 1..=FIRST + 180 {
        state.save(&[some_notes(offset, FEW)]).expect("saved");
        state.tend_wal();
        if offset % 5 > 0 {
            continue;
        }
        // What a checkpoint moved is in the file.
        while !state.checkpointer.is_idle() {
            std::thread::yield_now();
        }
        assert_eq!(cut(place.path(), (1, 1)).expect("whole"), offset);
        for share in [(0, 10), (1, 10), (2, 10), (4, 10), (6, 10), (8, 10), (9, 10)] {
            match cut(place.path(), share) {
                Ok(last) => shorter += u32::from(last < offset),
                Err(SqliteError::Torn { .. }) => torn += 1,
                // A page of the file says that there are more pages than the WAL does: SQLite notices by itself.
                Err(SqliteError::Damaged { .. }) => {}
                Err(other) => panic!("{offset} {share:?} {other}"),
            }
        }
    }
    assert!(shorter > 10 && torn > 10, "{shorter} beginnings, {torn} torn");
}
