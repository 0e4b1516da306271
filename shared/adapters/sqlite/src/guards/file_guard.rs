//! The guard of one file, as its writer uses it.

use std::path::Path;

use rusqlite::Connection;

use super::checkpoint_count;
use super::high_water_mark::{Counts, HighWaterMark};
use super::refused::Refused;
use crate::sqlite::{self, FileKind, Migrations, SqliteError};

/// A file to open under a guard.
pub(crate) struct GuardedFile<'a> {
    pub path: &'a Path,
    pub kind: FileKind,
    /// Where they make [`checkpoint_count::TABLE`], the file's checkpoints are counted.
    pub migrations: &'a Migrations,
    /// `None`: the high-water mark counts checkpoints only.
    pub acknowledged: Option<Acknowledged<'a>>,
    /// The flag of the folder that the file is in.
    pub refused: Refused,
}

/// What a file acknowledges to its callers, as a number that only grows.
pub(crate) struct Acknowledged<'a> {
    /// The unit, for error messages: `records`.
    pub what: &'static str,
    /// How to start without what is missing, for error messages: `, or …`; empty if there is no way.
    pub else_way: &'static str,
    /// Counts them. The file has its tables.
    pub count: &'a dyn Fn(&Connection) -> rusqlite::Result<u64>,
}

/// The guard of an open file. The file's writer has it.
pub(crate) struct FileGuard {
    high_water_mark: HighWaterMark,
    /// No commit was made since the file was opened or a checkpoint was counted.
    is_first_commit: bool,
    refused: Refused,
}

impl FileGuard {
    /// Opens a file as [`sqlite::open`] does. Where checkpoints are counted, closing the connection runs none.
    ///
    /// # Errors
    /// [`SqliteError`]; [`SqliteError::Short`] or [`SqliteError::Torn`] where the file holds less than its high-water mark
    /// says. Nothing in the file was changed then.
    pub fn open(file: &GuardedFile<'_>) -> Result<(Connection, Self), SqliteError> {
        let GuardedFile { path, kind, migrations, .. } = *file;
        // Read before the file is opened: another process may be changing both.
        let mut high_water_mark = HighWaterMark::of_file(path)?;
        let mut found = Counts::default();
        let connection = sqlite::open_if(path, kind, migrations, |tables| {
            found = tables.map_or(Ok(Counts::default()), |connection| file.counts(connection))?;
            file.judge(found, high_water_mark.counts())
        })?;
        if migrations.contains(&checkpoint_count::TABLE) {
            sqlite::keep_wal(&connection).map_err(|source| sqlite::file_error(path, source))?;
        }
        high_water_mark.raise(found);
        Ok((connection, FileGuard { high_water_mark, is_first_commit: true, refused: file.refused.clone() }))
    }

    /// Belongs into every commit, before it is committed. Most of the time it writes nothing.
    pub fn note_commit(&self, transaction: &Connection) -> rusqlite::Result<()> {
        if self.is_first_commit { checkpoint_count::note_first_commit(transaction) } else { Ok(()) }
    }

    /// A commit with [`FileGuard::note_commit`] in it was made.
    pub const fn committed(&mut self) {
        self.is_first_commit = false;
    }

    /// Raises the high-water mark to what is acknowledged: after the sync, before the answer. `count`: since the file was
    /// made.
    pub fn acknowledge(&mut self, count: u64) {
        self.high_water_mark.raise_acknowledged(count);
    }

    /// Counts a checkpoint that is about to begin, in a commit of its own. The connection must sync its commits.
    ///
    /// # Errors
    /// It was not counted: the checkpoint must not begin.
    pub fn before_checkpoint(&mut self, connection: &Connection) -> rusqlite::Result<()> {
        self.high_water_mark.raise_checkpoints(checkpoint_count::count(connection)?);
        self.is_first_commit = true;
        Ok(())
    }

    /// The folder was refused: the file stays as it is, also when it is closed.
    pub fn is_refused(&self) -> bool {
        self.refused.is_set()
    }
}

impl GuardedFile<'_> {
    fn counts(&self, connection: &Connection) -> Result<Counts, SqliteError> {
        let read = || {
            let acknowledged =
                self.acknowledged.as_ref().map_or(Ok(0), |acknowledged| (acknowledged.count)(connection))?;
            Ok(Counts { acknowledged, checkpoints: checkpoint_count::begun(connection)? })
        };
        read().map_err(|source| sqlite::file_error(self.path, source))
    }

    fn judge(&self, found: Counts, marked: Counts) -> Result<(), SqliteError> {
        let path = || self.path.into();
        if found.checkpoints < marked.checkpoints {
            let (checkpoints, found) = (marked.checkpoints, found.checkpoints);
            return Err(SqliteError::Torn { path: path(), checkpoints, found });
        }
        if found.acknowledged < marked.acknowledged {
            let (acknowledged, found) = (marked.acknowledged, found.acknowledged);
            let (what, else_way) = self.acknowledged.as_ref().map_or(("", ""), |known| (known.what, known.else_way));
            return Err(SqliteError::Short { path: path(), what, acknowledged, found, else_way });
        }
        Ok(())
    }
}
