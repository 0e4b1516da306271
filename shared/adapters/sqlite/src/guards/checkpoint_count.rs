//! Checkpoints that are counted before they begin.
//!
//! A checkpoint moves commits from the write-ahead log into the file. If the write-ahead log loses some of these commits
//! later, it does not fit the file any more: the file would mix old pages with new ones. So a commit counts each checkpoint
//! before it begins. That commit is synced, the high-water mark is raised to the count, and the checkpoint moves nothing that
//! is committed after it. Where commits continue meanwhile, a [snapshot](super::Snapshot) taken before the count bounds
//! the checkpoint; where the writer itself runs the checkpoint, nothing is committed. A file that knows of fewer
//! checkpoints than its high-water mark is not used.
//!
//! The count must be read from what is left of the write-ahead log and not from the file. So the first commit after each
//! count writes the count's page too: a write-ahead log only restarts after a checkpoint.

use rusqlite::Connection;

use crate::sqlite::values::unsigned;

/// A step of a file's migrations.
pub(crate) const TABLE: &str = "
CREATE TABLE checkpoints (begun INTEGER NOT NULL, first_commits INTEGER NOT NULL) STRICT;
INSERT INTO checkpoints VALUES (0, 0);
";

/// Checkpoints begun since the file was made. A file of an earlier version counts none.
pub(super) fn begun(connection: &Connection) -> rusqlite::Result<u64> {
    if !connection.table_exists(None, "checkpoints")? {
        return Ok(0);
    }
    connection.query_row("SELECT begun FROM checkpoints", [], |row| unsigned(row, 0))
}

/// Counts one more checkpoint, in a commit of its own. Returns the new count.
pub(super) fn count(connection: &Connection) -> rusqlite::Result<u64> {
    let mut count = connection.prepare_cached("UPDATE checkpoints SET begun = begun + 1 RETURNING begun")?;
    // To its end: there it commits, or says why not.
    count.query_one([], |row| unsigned(row, 0))
}

/// Belongs into the first commit after a count, and after the file was opened.
pub(super) fn note_first_commit(connection: &Connection) -> rusqlite::Result<()> {
    connection.prepare_cached("UPDATE checkpoints SET first_commits = first_commits + 1")?.execute([]).map(drop)
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use super::super::Snapshot;
    use super::*;
    use crate::sqlite::{self, FileKind};

    const KIND: FileKind = FileKind { file_name: "a.db", application_id: 7, page_bytes: 4096 };

    fn made(place: &Path) -> Connection {
        let path = place.join("a.db");
        sqlite::create(&path, KIND).expect("made");
        let connection = sqlite::open(&path, KIND, &["CREATE TABLE t (n INTEGER) STRICT", TABLE]).expect("opened");
        connection.pragma_update(None, "wal_autocheckpoint", 0).expect("set");
        connection
    }

    fn again(place: &Path) -> Connection {
        sqlite::open_again(&place.join("a.db"), KIND).expect("opened again")
    }

    fn commit(connection: &Connection, is_first: bool) {
        let transaction = connection.unchecked_transaction().expect("begun");
        if is_first {
            note_first_commit(&transaction).expect("noted");
        }
        transaction.execute("INSERT INTO t VALUES (1)", []).expect("inserted");
        transaction.commit().expect("committed");
    }

    const PASSIVE: &str = "PRAGMA wal_checkpoint(PASSIVE)";
    const TRUNCATE: &str = "PRAGMA wal_checkpoint(TRUNCATE)";

    /// How much was moved since the write-ahead log began.
    fn checkpoint(connection: &Connection, pragma: &'static str) -> i64 {
        connection.query_row(pragma, [], |row| row.get(2)).expect("a checkpoint")
    }

    /// What is known of checkpoints from the file and so much of the write-ahead log.
    fn known(place: &Path, wal_bytes: usize) -> u64 {
        let copy = tempfile::tempdir().expect("a folder");
        fs::copy(place.join("a.db"), copy.path().join("a.db")).expect("copied");
        let wal = fs::read(place.join("a.db-wal")).expect("a write-ahead log");
        fs::write(copy.path().join("a.db-wal"), &wal[..wal_bytes]).expect("written");
        begun(&again(copy.path())).expect("read")
    }

    #[test]
    fn a_checkpoint_moves_nothing_that_comes_after_its_snapshot() {
        let place = tempfile::tempdir().expect("a folder");
        let (writer, folder) = (made(place.path()), again(place.path()));
        let snapshot = Snapshot::open(&place.path().join("a.db"), KIND).expect("opened again");
        assert_eq!(count(&writer), Ok(1));
        checkpoint(&writer, TRUNCATE);
        commit(&writer, true);
        snapshot.take().expect("a snapshot");
        assert_eq!(count(&writer), Ok(2));
        commit(&writer, true);
        assert!(checkpoint(&folder, PASSIVE) > 0, "nothing was moved at all");
        snapshot.release();
        assert_eq!(known(place.path(), 0), 1);
        assert_eq!(begun(&writer), Ok(2));
        assert!(snapshot.is_released(), "it is over");
    }

    #[test]
    fn a_count_that_is_not_committed_is_none() {
        let place = tempfile::tempdir().expect("a folder");
        let writer = made(place.path());
        // As a full disk does, this fails in the commit and not before.
        let failing = "CREATE TABLE other (n INTEGER PRIMARY KEY) STRICT;
            CREATE TABLE bound (n INTEGER REFERENCES other (n) DEFERRABLE INITIALLY DEFERRED) STRICT;
            CREATE TRIGGER fails AFTER UPDATE ON checkpoints BEGIN INSERT INTO bound VALUES (1); END;";
        writer.execute_batch(failing).expect("made");
        assert!(count(&writer).is_err());
        assert_eq!((begun(&writer), writer.is_autocommit()), (Ok(0), true));
    }

    #[test]
    fn a_write_ahead_log_without_the_count_does_not_know_of_it_whatever_was_moved() {
        let place = tempfile::tempdir().expect("a folder");
        let writer = made(place.path());
        assert_eq!(count(&writer), Ok(1));
        checkpoint(&writer, TRUNCATE);
        commit(&writer, true);
        commit(&writer, false);
        let before = fs::metadata(place.path().join("a.db-wal")).expect("a write-ahead log").len();
        assert_eq!(count(&writer), Ok(2));
        // All of it, with the count: as the writer does when the write-ahead log is to restart.
        checkpoint(&writer, PASSIVE);
        assert_eq!(known(place.path(), before.try_into().expect("small")), 1);
        assert_eq!(known(place.path(), 0), 2, "all was moved");
    }
}
