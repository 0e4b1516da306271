//! The log on disk: partitions, offsets and consumer groups in one SQLite file.
//!
//! One thread writes. Appends that wait while it syncs share the next transaction and the next sync, and none is answered
//! before that sync. Another thread folds the write-ahead log back and deletes what retention lets go.
//! Consumers that keep up read from memory.

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread;

use async_trait::async_trait;
use bytes::Bytes;
use rusqlite::Connection;
use tidegate_kernel::{LogKey, Partition, Position};
use tidegate_ports::{Again, Append, AppendAgain, AppendError, Clock, LogError, Origin};
use tokio::sync::{Semaphore, mpsc, oneshot};

use crate::folder::{self, OwnedFolder};
use crate::guards::{Acknowledged, FileGuard, GuardedFile, Snapshot};
use crate::sqlite::failure::cannot_open;
use crate::sqlite::{self, SqliteError};

mod batch;
mod consumer;
mod groups;
mod housekeeping;
mod lag;
mod options;
mod progress;
mod read_log;
mod reader;
mod request;
mod rows;
mod schema;
mod space;
mod state;
mod tail;
mod writer;

pub(crate) use progress::GroupProgress;

pub use consumer::EmbeddedConsumer;
pub use lag::EmbeddedLag;
pub use options::LogOptions;
pub use read_log::{EmbeddedReadLag, EmbeddedReadLog};
pub use request::Closed;

use housekeeping::Housekeeper;
use reader::Reader;
use request::{PendingAppend, Request};
use state::{Shared, closed};
use writer::Writer;

/// The log of a data folder; clones are the same log. When the last clone and the last consumer are gone, what was
/// accepted is written and the folder is given back; [`close`](Self::close) does so in order and returns how it went.
#[derive(Clone)]
pub struct EmbeddedLog {
    inner: Arc<Inner>,
}

/// Why a log could not be opened. Nothing in it was changed.
#[derive(Debug, thiserror::Error)]
pub enum LogOpenError {
    #[error(transparent)]
    File(#[from] SqliteError),
    #[error("the log's tables cannot be read: {0}; restore the data folder from a backup")]
    Unreadable(#[from] rusqlite::Error),
    #[error("log.db has {found} partitions and tidegate.json says {marker}; restore the data folder from a backup")]
    Partitions { found: u32, marker: u32 },
    #[error("the log's threads cannot be started: {0}")]
    Thread(#[from] io::Error),
}

struct Inner {
    shared: Arc<Shared>,
    requests: mpsc::Sender<Request>,
    /// Bytes of payload that may still wait for the writer.
    free_bytes: Arc<Semaphore>,
    housekeeping: SyncSender<()>,
    path: std::path::PathBuf,
}

/// Requests that may wait for the writer; their bytes have a bound of their own.
const WAITING_REQUESTS: usize = 8 * 1_024;

impl EmbeddedLog {
    /// Opens the log of a folder that this process owns, and takes over whatever was acknowledged before.
    ///
    /// # Errors
    /// [`LogOpenError`].
    pub fn open(folder: &OwnedFolder, options: LogOptions, clock: Arc<dyn Clock>) -> Result<Self, LogOpenError> {
        let options = options.settled();
        let path = folder.folder().file(folder::LOG);
        let partitions = folder.folder().partitions();
        let count = |connection: &Connection| schema::appended_in(connection, partitions);
        let (connection, guard) = FileGuard::open(&GuardedFile {
            path: &path,
            kind: folder::LOG,
            migrations: schema::MIGRATIONS,
            acknowledged: Some(Acknowledged { what: "records", else_way: "", count: &count }),
            refused: folder.refused().clone(),
        })?;
        if let Some(found) = schema::partitions_known(&connection)?.filter(|found| *found != partitions) {
            return Err(LogOpenError::Partitions { found, marker: partitions });
        }
        let bounds = schema::load_bounds(&connection, partitions)?;
        let commits = schema::load_commits(&connection, &bounds)?;
        let shared = Arc::new(Shared::new(options, clock, &bounds, commits));
        writer::tune(&connection, &shared)?;
        let folding = sqlite::open_again(&path, folder::LOG)?;
        folding.pragma_update(None, "wal_autocheckpoint", 0)?;

        let (requests, waiting) = mpsc::channel(WAITING_REQUESTS);
        let (housekeeping, wakes) = sync_channel(1);
        let housekeeper = Housekeeper {
            shared: shared.clone(),
            connection: folding,
            snapshot: Snapshot::open(&path, folder::LOG)?,
            requests: requests.clone(),
            folder: path.parent().map(Path::to_owned).unwrap_or_default(),
            wakes,
        };
        let housekeeper = thread::Builder::new().name("log-housekeeping".to_owned()).spawn(|| housekeeper.run())?;
        let writer = Writer {
            requests: waiting,
            shared: shared.clone(),
            connection: Some(connection),
            path: path.clone(),
            guard,
            housekeeping: housekeeping.clone(),
            housekeeper: Some(housekeeper),
            folder: folder.clone(),
        };
        thread::Builder::new().name("log-writer".to_owned()).spawn(|| writer.run())?;
        let free_bytes = Arc::new(Semaphore::new(options.max_waiting_bytes));
        Ok(EmbeddedLog { inner: Arc::new(Inner { shared, requests, free_bytes, housekeeping, path }) })
    }

    /// A new member of the group, which is known (and its records kept) from now on. A new group begins with the
    /// first record kept.
    ///
    /// # Errors
    /// [`LogError`].
    pub async fn consumer(&self, group: &str) -> Result<EmbeddedConsumer, LogError> {
        let (reply, answer) = oneshot::channel();
        let join = Request::Join { group: group.to_owned(), reply };
        self.inner.requests.send(join).await.map_err(|_| closed())?;
        answer.await.unwrap_or_else(|_| Err(closed()))?;
        EmbeddedConsumer::join(self.inner.clone(), group, self.reader()?)
    }

    /// Reads how far the group is behind.
    ///
    /// # Errors
    /// [`LogError`].
    pub fn lag(&self, group: &str) -> Result<EmbeddedLag, LogError> {
        Ok(EmbeddedLag::new(self.inner.clone(), group, self.reader()?))
    }

    /// Whether no record was ever appended.
    pub fn is_fresh(&self) -> bool {
        self.inner.shared.state().lanes.iter().all(|lane| lane.tail.end() == 0)
    }

    /// Ends the log in order: new appends are refused as not persisted, what was accepted is written, and the folder
    /// is given back. Closing again changes nothing.
    pub async fn close(&self) -> Closed {
        self.inner.begin_closing();
        let (reply, answer) = oneshot::channel();
        match self.inner.requests.send(Request::Close { reply }).await {
            Ok(()) => answer.await.unwrap_or_default(),
            Err(_) => Closed::default(),
        }
    }

    fn reader(&self) -> Result<Reader, LogError> {
        Reader::open(&self.inner.path).map_err(|error| cannot_open(error, LogError::Broken, LogError::Unavailable))
    }
}

#[async_trait]
impl Append for EmbeddedLog {
    async fn append(&self, key: LogKey, record: Bytes) -> Result<Position, AppendError> {
        self.put(self.partition_of(key), record, None).await
    }

    fn partition_of(&self, key: LogKey) -> Partition {
        key.partition(self.inner.shared.partitions)
    }
}

#[async_trait]
impl AppendAgain for EmbeddedLog {
    async fn append_again(&self, again: Again) -> Result<Position, AppendError> {
        let Again { key, payload, origin } = again;
        let partitions = self.inner.shared.partitions;
        let partition = key.map_or(origin.position.partition, |key| key.partition(partitions));
        if partition >= partitions {
            return Err(AppendError::NotPersisted(
                format!("the record of {} has no home: this log has {partitions} partitions", origin.position,).into(),
            ));
        }
        self.put(partition, payload, Some(origin)).await
    }
}

impl EmbeddedLog {
    async fn put(&self, partition: Partition, record: Bytes, origin: Option<Origin>) -> Result<Position, AppendError> {
        let refused = || AppendError::NotPersisted("it is closed".into());
        let shared = &self.inner.shared;
        let (bytes, cap) = (record.len(), shared.options.max_record_bytes);
        if bytes > cap {
            return Err(AppendError::TooLarge { bytes, cap });
        }
        if shared.is_closing() {
            return Err(refused());
        }
        // The cap fits 32 bits, see `LogOptions::settled`.
        let permit = self.inner.free_bytes.clone().acquire_many_owned(bytes as u32).await.map_err(|_| refused())?;
        let (reply, answer) = oneshot::channel();
        let append = PendingAppend { partition, payload: record, origin, reply, _permit: permit };
        self.inner.requests.send(Request::Append(append)).await.map_err(|_| refused())?;
        // Without an answer the writer is gone, and may have been so after its commit.
        answer.await.unwrap_or_else(|_| Err(AppendError::Unknown("its writer stopped".into())))
    }
}

impl Inner {
    fn begin_closing(&self) {
        self.shared.begin_closing();
        // A full channel wakes housekeeping too.
        let _ = self.housekeeping.try_send(());
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.begin_closing();
    }
}
