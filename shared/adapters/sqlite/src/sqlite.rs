//! SQLite files of ours: one way to make, recognise, check and migrate them.

use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode, OpenFlags, TransactionBehavior};

pub(crate) mod failure;
pub(crate) mod values;

/// What one of our files is. A file with another `application_id` is not ours and is never written to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileKind {
    pub file_name: &'static str,
    /// SQLite's `application_id`, in the file's header.
    pub application_id: i32,
    /// Bytes of a page in a new file; a file that is there keeps its own. Large pages cost fewer calls for tables that grow
    /// at their end, small ones fewer bytes for rows that change here and there.
    pub page_bytes: u32,
}

/// The steps that make a file's tables: step `n` takes `user_version` from `n` to `n + 1`. Steps are only ever added.
pub type Migrations = [&'static str];

/// Why a file could not be opened. Nothing in it was changed.
#[derive(Debug, thiserror::Error)]
pub enum SqliteError {
    #[error("{path} is missing; restore the data folder from a backup, or point --data at another folder")]
    Missing { path: PathBuf },
    #[error("{path} exists already and is not overwritten")]
    Exists { path: PathBuf },
    #[error("{path} is not a SQLite database, or is damaged ({cause}); restore the data folder from a backup")]
    NotADatabase { path: PathBuf, cause: String },
    #[error(
        "{path} is a SQLite database of something else (application_id {found}, expected {expected}); \
         point --data at another folder"
    )]
    Foreign { path: PathBuf, found: i32, expected: i32 },
    #[error("{path} is damaged ({cause}); restore the data folder from a backup")]
    Damaged { path: PathBuf, cause: String },
    #[error(
        "{path} has lost its end: it had {acknowledged} {what} and knows of {found}; restore the data folder from a \
         backup{else_way}"
    )]
    Short { path: PathBuf, what: &'static str, acknowledged: u64, found: u64, else_way: &'static str },
    #[error(
        "{path} and its write-ahead log do not fit any more: what is in there of {checkpoints} checkpoints ends with the \
         {found}th; restore the data folder from a backup"
    )]
    Torn { path: PathBuf, checkpoints: u64, found: u64 },
    #[error(
        "{path} cannot be read ({cause}); it says whether the file next to it is whole: make it readable, restore the data \
         folder from a backup, or remove it to go on without knowing"
    )]
    HighWaterMark { path: PathBuf, cause: String },
    #[error("{path} has schema version {found}; this build knows versions up to {known}: use a newer build")]
    Newer { path: PathBuf, found: usize, known: usize },
    #[error(
        "{path} has schema version {found} and this build reads version {known}: use the build of the service that owns \
         the folder, or start this one on it once"
    )]
    OtherVersion { path: PathBuf, found: usize, known: usize },
    #[error("{path} cannot be used: {source}")]
    Sqlite { path: PathBuf, source: rusqlite::Error },
}

/// Bytes of a file up to which it is checked as a whole when opened; a larger one is checked only where it is read.
pub const QUICK_CHECK_MAX_BYTES: u64 = 64 * 1024 * 1024;

const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// Options to open a new file that only its owner may read.
pub(crate) fn private() -> OpenOptions {
    let mut options = File::options();
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

/// Makes an empty file of this kind (no tables yet) in WAL mode. Finishing what an interrupted call began is fine:
/// an empty file is taken over, one of this kind is left as it is.
///
/// # Errors
/// [`SqliteError::Exists`] if something else is there.
pub fn create(path: &Path, kind: FileKind) -> Result<(), SqliteError> {
    let failed = |source| file_error(path, source);
    // SQLite would let everyone read it; its write-ahead log takes the mode of this file. Where this fails, so does SQLite,
    // which reports why.
    let _ = private().create(true).append(true).open(path);
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags).map_err(failed)?;
    let pages: i64 = connection.pragma_query_value(None, "page_count", |row| row.get(0)).map_err(failed)?;
    if pages > 0 {
        let found = application_id(&connection).map_err(failed)?;
        return if found == kind.application_id { Ok(()) } else { Err(SqliteError::Exists { path: path.into() }) };
    }
    // Before the first page is written.
    connection.pragma_update(None, "page_size", kind.page_bytes).map_err(failed)?;
    connection.pragma_update(None, "application_id", kind.application_id).map_err(failed)?;
    connection.pragma_update(None, "journal_mode", "WAL").map_err(failed)?;
    connection.close().map_err(|(_, source)| failed(source))
}

/// Opens a file of ours for writing: recognises it, checks it if it is small enough, sets the pragmas (WAL,
/// `synchronous=FULL`), runs the migrations that it lacks, and syncs all that it holds. Safe while other processes
/// do the same. It comes before any other connection of this process to the file, see [`recognise`].
///
/// # Errors
/// [`SqliteError`].
pub fn open(path: &Path, kind: FileKind, migrations: &Migrations) -> Result<Connection, SqliteError> {
    open_if(path, kind, migrations, |_| Ok(()))
}

/// Like [`open`], if `accepts` accepts what is in the file. It is called before anything in the file is changed, with `None`
/// where the file has no tables yet.
///
/// # Errors
/// [`SqliteError`], and what `accepts` returns.
pub(crate) fn open_if(
    path: &Path,
    kind: FileKind,
    migrations: &Migrations,
    accepts: impl FnOnce(Option<&Connection>) -> Result<(), SqliteError>,
) -> Result<Connection, SqliteError> {
    recognise(path, kind)?;
    let mut connection = connect(path)?;
    let failed = |source| file_error(path, source);
    let found = user_version(&connection).map_err(failed)?;
    if found > migrations.len() {
        return Err(SqliteError::Newer { path: path.into(), found, known: migrations.len() });
    }
    accepts((found > 0).then_some(&connection))?;
    check(path, &connection)?;
    set_pragmas(&connection).map_err(failed)?;
    migrate(&mut connection, migrations).map_err(failed)?;
    accept(&connection).map_err(failed)?;
    sync_wal(path).map_err(failed)?;
    Ok(connection)
}

/// Syncs the WAL and its name. A process that was killed may have left commits in the WAL that are read, and that no sync
/// has covered yet: no caller may rely on them before. The file itself needs none: a checkpoint syncs it before the WAL
/// that it came from is written over.
///
/// # Errors
/// What the disk says.
pub(crate) fn sync_wal(path: &Path) -> rusqlite::Result<()> {
    let mut wal = path.as_os_str().to_owned();
    wal.push("-wal");
    let synced = match File::open(Path::new(&wal)) {
        Ok(wal) => wal.sync_all().and_then(|()| sync_folder_of(path)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
    };
    synced.map_err(|error| rusqlite::Error::ToSqlConversionFailure(error.into()))
}

fn sync_folder_of(path: &Path) -> std::io::Result<()> {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => File::open(folder)?.sync_all(),
        _ => File::open(".")?.sync_all(),
    }
}

/// Another connection to a file that [`open`] accepted before; it checks and migrates nothing, and closing it folds no
/// write-ahead log into the file, also where it is the last one.
///
/// # Errors
/// [`SqliteError`].
pub fn open_again(path: &Path, kind: FileKind) -> Result<Connection, SqliteError> {
    is_there(path)?;
    let connection = connect(path)?;
    let found = application_id(&connection).map_err(|source| file_error(path, source))?;
    is_of(path, kind, found)?;
    set_pragmas(&connection).map_err(|source| file_error(path, source))?;
    Ok(connection)
}

/// Like [`open_again`], for reading only.
///
/// # Errors
/// [`SqliteError`].
pub fn open_reader(path: &Path, kind: FileKind) -> Result<Connection, SqliteError> {
    let connection = open_again(path, kind)?;
    connection.pragma_update(None, "query_only", true).map_err(|source| file_error(path, source))?;
    Ok(connection)
}

/// Whether a file, which another process may own, has the tables that these migrations make.
///
/// # Errors
/// [`SqliteError`]; [`SqliteError::OtherVersion`] where it has others, or none yet.
pub(crate) fn check_version(path: &Path, kind: FileKind, migrations: &Migrations) -> Result<(), SqliteError> {
    let connection = open_reader(path, kind)?;
    let found = user_version(&connection).map_err(|source| file_error(path, source))?;
    let known = migrations.len();
    if found == known { Ok(()) } else { Err(SqliteError::OtherVersion { path: path.into(), found, known }) }
}

/// Makes sure that the file is of this kind, judged by its header before SQLite touches it.
///
/// A process that closes a file loses its locks on it, also those that SQLite took through another descriptor (POSIX
/// advisory locks; SQLite: How to corrupt a database file, 2.2). Another program that opens the file meanwhile would then
/// take itself for the last one and delete the WAL. So nothing here opens a file by itself once SQLite has it open.
fn recognise(path: &Path, kind: FileKind) -> Result<(), SqliteError> {
    is_there(path)?;
    is_of(path, kind, header_application_id(path)?)
}

fn is_there(path: &Path) -> Result<(), SqliteError> {
    if path.is_file() { Ok(()) } else { Err(SqliteError::Missing { path: path.into() }) }
}

fn is_of(path: &Path, kind: FileKind, found: i32) -> Result<(), SqliteError> {
    let expected = kind.application_id;
    if found == expected { Ok(()) } else { Err(SqliteError::Foreign { path: path.into(), found, expected }) }
}

fn connect(path: &Path) -> Result<Connection, SqliteError> {
    let failed = |source| file_error(path, source);
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags).map_err(failed)?;
    connection.busy_timeout(BUSY_TIMEOUT).map_err(failed)?;
    connection.set_prepared_statement_cache_capacity(64);
    // Until the file is accepted, closing the connection must not fold a write-ahead log into it.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true).map_err(failed)?;
    Ok(connection)
}

/// From here on closing this connection folds nothing back, also where it is the last one: who counts checkpoints does so.
pub(crate) fn keep_wal(connection: &Connection) -> rusqlite::Result<()> {
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true).map(drop)
}

fn accept(connection: &Connection) -> rusqlite::Result<()> {
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, false).map(drop)
}

/// The `application_id` in a SQLite file's header (100 bytes; SQLite: database file format).
fn header_application_id(path: &Path) -> Result<i32, SqliteError> {
    const MAGIC: &[u8] = b"SQLite format 3\0";
    let not_one = |cause: String| SqliteError::NotADatabase { path: path.into(), cause };
    let mut header = [0; 100];
    File::open(path)
        .and_then(|mut file| file.read_exact(&mut header))
        .map_err(|error| not_one(format!("its header cannot be read: {error}")))?;
    if !header.starts_with(MAGIC) {
        return Err(not_one("it has no SQLite header".to_owned()));
    }
    Ok(i32::from_be_bytes([header[68], header[69], header[70], header[71]]))
}

fn check(path: &Path, connection: &Connection) -> Result<(), SqliteError> {
    let bytes = path.metadata().map(|metadata| metadata.len()).unwrap_or(0);
    if bytes > QUICK_CHECK_MAX_BYTES {
        return Ok(());
    }
    let verdict: String = connection
        .pragma_query_value(None, "quick_check", |row| row.get(0))
        .map_err(|source| file_error(path, source))?;
    if verdict == "ok" { Ok(()) } else { Err(SqliteError::Damaged { path: path.into(), cause: verdict }) }
}

fn set_pragmas(connection: &Connection) -> rusqlite::Result<()> {
    connection.pragma_update(None, "journal_mode", "WAL")?;
    // A commit returns after the WAL is synced: what was acknowledged survives a power cut.
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "foreign_keys", true)?;
    connection.pragma_update(None, "trusted_schema", false)?;
    connection.pragma_update(None, "cell_size_check", true)?;
    connection.pragma_update(None, "temp_store", "MEMORY")
}

fn migrate(connection: &mut Connection, migrations: &Migrations) -> rusqlite::Result<()> {
    if user_version(connection)? == migrations.len() {
        return Ok(());
    }
    // Another process may be at it too: the version is read again under the write lock.
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let found = user_version(&transaction)?;
    for step in migrations.iter().skip(found) {
        transaction.execute_batch(step)?;
    }
    transaction.pragma_update(None, "user_version", found.max(migrations.len()) as i64)?;
    transaction.commit()
}

fn application_id(connection: &Connection) -> rusqlite::Result<i32> {
    connection.pragma_query_value(None, "application_id", |row| row.get(0))
}

fn user_version(connection: &Connection) -> rusqlite::Result<usize> {
    let version: i64 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
    // A negative version was not written by us; as a huge one it is refused as newer.
    Ok(usize::try_from(version).unwrap_or(usize::MAX))
}

/// What a SQLite error means to the process that opens the file.
pub(crate) fn file_error(path: &Path, source: rusqlite::Error) -> SqliteError {
    let path = path.to_owned();
    match source.sqlite_error_code() {
        Some(ErrorCode::NotADatabase) => SqliteError::NotADatabase { path, cause: source.to_string() },
        Some(ErrorCode::DatabaseCorrupt) => SqliteError::Damaged { path, cause: source.to_string() },
        _ => SqliteError::Sqlite { path, source },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wal_that_is_there_is_synced_and_one_that_is_not_there_needs_no_sync() {
        let place = tempfile::tempdir().expect("a folder");
        let path = place.path().join("a.db");
        assert_eq!(sync_wal(&path), Ok(()));
        std::fs::write(place.path().join("a.db-wal"), "a file").expect("written");
        assert_eq!(sync_wal(&path), Ok(()));
        // A way through a file is no missing file.
        assert!(sync_wal(&place.path().join("a.db-wal").join("b.db")).is_err());
    }

    /// What the kernel says of this process's locks on the file.
    #[cfg(target_os = "linux")]
    fn locks(path: &Path) -> usize {
        use std::os::unix::fs::MetadataExt;
        let inode = path.metadata().expect("it is there").ino();
        let (us, inode) = (std::process::id().to_string(), format!(":{inode}"));
        let locks = std::fs::read_to_string("/proc/locks").unwrap_or_default();
        let ours = |line: &&str| {
            let words: Vec<&str> = line.split_whitespace().collect();
            words.contains(&us.as_str()) && words.iter().any(|word| word.ends_with(&inode))
        };
        // The kernel lists a lock twice, or not at all, if others come and go while the list is read. Each begins with its
        // number in the list.
        let parts = |line: &'_ str| line.split_whitespace().skip(1).map(str::to_owned).collect::<Vec<String>>();
        locks.lines().filter(ours).map(parts).collect::<std::collections::BTreeSet<_>>().len()
    }

    /// Whether the kernel says at last that there are so many.
    #[cfg(target_os = "linux")]
    fn has_locks(path: &Path, count: usize) -> bool {
        (0..100).any(|_| locks(path) == count)
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn opening_a_file_again_leaves_its_lock_in_place() {
        const KIND: FileKind = FileKind { file_name: "a.db", application_id: 7, page_bytes: 4096 };
        let place = tempfile::tempdir().expect("a folder");
        let probe = File::create(place.path().join("probe")).expect("made");
        probe.lock().expect("locked");
        if !has_locks(&place.path().join("probe"), 1) {
            eprintln!("not tested: this system does not list the locks that are held");
            return;
        }
        let path = place.path().join("a.db");
        create(&path, KIND).expect("made");
        let first = open(&path, KIND, &["CREATE TABLE t (n INTEGER) STRICT"]).expect("opened");
        assert!(has_locks(&path, 1), "as SQLite takes it");
        let again = open_again(&path, KIND).expect("opened again");
        let reader = open_reader(&path, KIND).expect("opened for reading");
        sync_wal(&path).expect("synced");
        drop((again, reader));
        assert!(has_locks(&path, 1));
        drop(first);
        assert!(has_locks(&path, 0));
    }
}
