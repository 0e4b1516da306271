//! The data folder: its files, its owner, and who may open what.
//!
//! | file | what | opened by |
//! | --- | --- | --- |
//! | `tidegate.json` | the marker: format version, region, partitions, when made | everyone, first |
//! | `LOCK` | held by the one process that owns the log and the store | the owner |
//! | `log.db`, `store.db` | records; what was folded from them | the owner only |
//! | `dead_letters.db` | records that could not be applied | the owner only |
//! | `settings.db`, `rows.db` | what teams set; rows that are derived from it and from runs | the owner only |
//! | `registry.db` | teams, credentials, rates | the owner, and management commands while it runs |
//! | `*.mark` | the high-water mark of that file: how much it had acknowledged | as that file |
//!
//! An API of commands has a folder of its own, with a marker that names it:
//!
//! | file | what | opened by |
//! | --- | --- | --- |
//! | `log.db`, `store.db` | commands; what was decided from them | the owner; `store.db` by others for reading only |
//! | `keys.db` | data keys of owners, void records, releases: what no log has | the owner, and operator commands while it runs |
//! | `inbox.db` | commands of operators that the owner is to append | the same |
//!
//! A folder that is not certainly ours and whole is refused with the reason, and nothing in it is changed.

use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use tidegate_kernel::{Region, Timestamp};

use crate::guards::Refused;
use crate::sqlite::{self, FileKind, SqliteError, private};

mod contents;
mod marker;

use contents::Contents;
pub use contents::{COMMAND_STORE, DEAD_LETTERS, INBOX, KEYS, LOG, REGISTRY, ROWS, SETTINGS, STORE};
pub use marker::{FORMAT_VERSION, Marker};

const LOCK: &str = "LOCK";

/// Partitions of a new log, unless set otherwise.
pub const DEFAULT_PARTITIONS: u32 = 4;
/// Bounds what a marker may say.
pub const MAX_PARTITIONS: u32 = 1024;

/// How long to wait for a lock that another process holds for a moment, while it makes the folder.
const BRIEF_LOCK: Duration = Duration::from_millis(500);
const CREATION_LOCK: Duration = Duration::from_secs(10);
const LOCK_RETRY: Duration = Duration::from_millis(10);

/// Why a folder was refused. Nothing in it was changed.
#[derive(Debug, thiserror::Error)]
pub enum FolderError {
    #[error(
        "{path} has no data yet: start `tidegate dev` on it once, make its first team with `tidegate teams create`, or point --data at the right folder"
    )]
    NotThere { path: PathBuf },
    #[error("{path} is not a folder; point --data at a folder")]
    NotAFolder { path: PathBuf },
    #[error("{path} is not empty and holds no Tidegate data (found '{found}'); point --data at an empty or new folder")]
    Foreign { path: PathBuf, found: String },
    #[error("{path} has no readable marker ({cause}); restore the data folder from a backup")]
    Marker { path: PathBuf, cause: String },
    #[error("{path} was made in format {found}; this build reads format {FORMAT_VERSION}: use the build that made it")]
    Format { path: PathBuf, found: u64 },
    #[error(
        "{path} holds data of region '{found}', not '{asked}'; start with --region {found} or another --data folder"
    )]
    OtherRegion { path: PathBuf, found: Region, asked: Region },
    #[error("{path} holds data of {found}, not of {asked}; point --data at the right folder")]
    OtherApi { path: PathBuf, found: String, asked: String },
    #[error("a log has 1 to {MAX_PARTITIONS} partitions, not {asked}")]
    Partitions { asked: u32 },
    #[error("{path} is in use by another process; stop that one first, or point --data at another folder")]
    InUse { path: PathBuf },
    #[error("{path}: {source}")]
    Io { path: PathBuf, source: io::Error },
    #[error(transparent)]
    File(#[from] SqliteError),
}

/// A folder of ours, recognised and not locked: enough for management commands, which open the registry only.
#[derive(Clone, Debug)]
pub struct DataFolder {
    path: PathBuf,
    marker: Marker,
}

/// A folder that this process alone owns, for as long as a clone of this lives.
#[derive(Clone, Debug)]
pub struct OwnedFolder {
    folder: DataFolder,
    _lock: Arc<File>,
    refused: Refused,
}

impl DataFolder {
    /// Opens AgentPing's folder, or makes it if it is not there or empty. `partitions` counts for a new folder only: an
    /// existing log keeps its own number.
    ///
    /// # Errors
    /// [`FolderError`].
    pub fn open_or_create(path: &Path, region: Region, partitions: u32, now: Timestamp) -> Result<Self, FolderError> {
        Self::open_or_create_for(Contents::RUNS, path, region, partitions, now)
    }

    /// Like [`DataFolder::open_or_create`], for the folder of an API of commands.
    ///
    /// # Errors
    /// [`FolderError`].
    pub fn open_or_create_commands(
        path: &Path,
        api: &str,
        region: Region,
        partitions: u32,
        now: Timestamp,
    ) -> Result<Self, FolderError> {
        Self::open_or_create_for(Contents::commands(api), path, region, partitions, now)
    }

    /// Opens AgentPing's folder that is there; with a region, only if it is of that one.
    ///
    /// # Errors
    /// [`FolderError`].
    pub fn open_existing(path: &Path, region: Option<Region>) -> Result<Self, FolderError> {
        Self::open_existing_for(Contents::RUNS, path, region)
    }

    /// Like [`DataFolder::open_existing`], for the folder of an API of commands.
    ///
    /// # Errors
    /// [`FolderError`].
    pub fn open_existing_commands(path: &Path, api: &str, region: Option<Region>) -> Result<Self, FolderError> {
        Self::open_existing_for(Contents::commands(api), path, region)
    }

    fn open_or_create_for(
        contents: Contents<'_>,
        path: &Path,
        region: Region,
        partitions: u32,
        now: Timestamp,
    ) -> Result<Self, FolderError> {
        if !(1..=MAX_PARTITIONS).contains(&partitions) {
            return Err(FolderError::Partitions { asked: partitions });
        }
        if !marker::path(path).exists() {
            create(path, &Marker::new(contents.api, region, partitions, now), contents.files)?;
        }
        Self::open_existing_for(contents, path, Some(region))
    }

    fn open_existing_for(contents: Contents<'_>, path: &Path, region: Option<Region>) -> Result<Self, FolderError> {
        if !marker::path(path).exists() {
            return Err(match foreign_entry(path, contents.files)? {
                None => FolderError::NotThere { path: path.into() },
                Some(found) => FolderError::Foreign { path: path.into(), found },
            });
        }
        let marker = Marker::read(path)?;
        if marker.api != contents.api {
            let (found, asked) = (marker.api, contents.api.to_owned());
            return Err(FolderError::OtherApi { path: path.into(), found, asked });
        }
        if let Some(asked) = region.filter(|asked| *asked != marker.region) {
            return Err(FolderError::OtherRegion { path: path.into(), found: marker.region, asked });
        }
        for kind in contents.files {
            let file = path.join(kind.file_name);
            if !file.is_file() {
                return Err(SqliteError::Missing { path: file }.into());
            }
        }
        Ok(DataFolder { path: path.to_owned(), marker })
    }

    /// Takes the folder for this process.
    ///
    /// # Errors
    /// [`FolderError::InUse`] while another process (or another owner in this one) has it.
    pub fn own(&self) -> Result<OwnedFolder, FolderError> {
        match lock(&self.path, BRIEF_LOCK)? {
            Some(lock) => Ok(OwnedFolder { folder: self.clone(), _lock: Arc::new(lock), refused: Refused::default() }),
            None => Err(FolderError::InUse { path: self.path.clone() }),
        }
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Where a file of ours is.
    pub fn file(&self, kind: FileKind) -> PathBuf {
        self.path.join(kind.file_name)
    }

    pub const fn region(&self) -> Region {
        self.marker.region
    }

    /// Partitions of the log, fixed when the folder was made.
    pub const fn partitions(&self) -> u32 {
        self.marker.partitions
    }

    pub const fn created_at(&self) -> Timestamp {
        self.marker.created_at
    }
}

impl OwnedFolder {
    pub const fn folder(&self) -> &DataFolder {
        &self.folder
    }

    /// The flag that the guards of the folder's files read.
    pub(crate) const fn refused(&self) -> &Refused {
        &self.refused
    }
}

/// Makes the folder. The marker comes last, so a folder with a marker is whole; until then a draft marker distinguishes
/// an interrupted creation, which the next one finishes, from a foreign folder.
fn create(path: &Path, marker: &Marker, files: &[FileKind]) -> Result<(), FolderError> {
    let io = |source| FolderError::Io { path: path.into(), source };
    if let Some(found) = foreign_entry(path, files)? {
        return Err(FolderError::Foreign { path: path.into(), found });
    }
    create_private(path).map_err(io)?;
    let Some(_lock) = lock(path, CREATION_LOCK)? else {
        return Err(FolderError::InUse { path: path.into() });
    };
    if marker::path(path).exists() {
        // Someone else made it while we waited.
        return Ok(());
    }
    marker.draft(path)?;
    for kind in files {
        sqlite::create(&path.join(kind.file_name), *kind)?;
    }
    Marker::publish(path)?;
    // The names of the new files must survive a power cut as well as what is in them.
    File::open(path).and_then(|folder| folder.sync_all()).map_err(io)
}

/// Makes the folder for its owner alone: it will hold what teams sent, and hashes of their credentials. A folder that exists
/// keeps its mode; the files in it are for the owner alone all the same.
fn create_private(path: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}

/// The name of something in the folder that keeps it from being made ours; `None` if it is absent, empty, or what
/// an interrupted creation left.
fn foreign_entry(path: &Path, files: &[FileKind]) -> Result<Option<String>, FolderError> {
    let io = |source| FolderError::Io { path: path.into(), source };
    let entries = match fs::read_dir(path) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) if error.kind() == io::ErrorKind::NotADirectory => {
            return Err(FolderError::NotAFolder { path: path.into() });
        }
        Err(source) => return Err(io(source)),
    };
    let drafted = marker::draft_path(path).exists();
    for entry in entries {
        let entry = entry.map_err(io)?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let ours = name == LOCK
            || name == marker::DRAFT
            || drafted && files.iter().any(|kind| name.starts_with(kind.file_name))
            // The folder of another API, which may be made first.
            || [LOCK, marker::DRAFT].iter().any(|file| entry.path().join(file).exists());
        if !ours {
            return Ok(Some(name));
        }
    }
    Ok(None)
}

fn lock(path: &Path, patience: Duration) -> Result<Option<File>, FolderError> {
    let io = |source| FolderError::Io { path: path.join(LOCK), source };
    let file = private().create(true).truncate(false).write(true).open(path.join(LOCK)).map_err(io)?;
    let deadline = Instant::now() + patience;
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(Some(file)),
            Err(TryLockError::WouldBlock) if Instant::now() < deadline => std::thread::sleep(LOCK_RETRY),
            Err(TryLockError::WouldBlock) => return Ok(None),
            Err(TryLockError::Error(source)) => return Err(io(source)),
        }
    }
}
