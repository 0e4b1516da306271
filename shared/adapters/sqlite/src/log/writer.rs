//! The log's writer: the one thread that owns the write connection.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::SyncSender;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use rusqlite::{Connection, ffi};
use tokio::sync::mpsc::Receiver;

use super::batch::{self, BatchError, Written};
use super::request::{Closed, Request};
use super::schema;
use super::state::Shared;
use crate::folder::{self, OwnedFolder};
use crate::guards::FileGuard;
use crate::sqlite;
use crate::sqlite::failure::cause;
use tidegate_ports::FailureCause;

pub(super) struct Writer {
    pub requests: Receiver<Request>,
    pub shared: Arc<Shared>,
    /// `None` after a failure that the connection did not get over: it is opened again before the next batch.
    pub connection: Option<Connection>,
    pub path: PathBuf,
    pub guard: FileGuard,
    /// Wakes housekeeping when there is something to fold back.
    pub housekeeping: SyncSender<()>,
    pub housekeeper: Option<JoinHandle<()>>,
    /// Held until the last byte is written.
    pub folder: OwnedFolder,
}

/// Page cache of the write connection, in KiB (negative, as SQLite has it).
const CACHE_KIB: i64 = -16_384;

/// How long the writer lets requests gather at most. Each batch less is one sync and one rewrite of its last pages less.
const GATHERING: Duration = Duration::from_millis(1);
/// How long it sleeps in between. Each sleep changes threads twice; spinning would take the core that the callers need to
/// call again.
const NAP: Duration = Duration::from_micros(300);
/// Fewer requests than these are not worth a sleep when as many are there as were answered last.
const MANY: usize = 8;

/// Bytes that a batch writes in addition to its payload, about: one leaf per partition and the pages above.
const BATCH_OVERHEAD_BYTES: u64 = 64 * 1024;

/// Sets what only the write connection has.
pub(super) fn tune(connection: &Connection, shared: &Shared) -> rusqlite::Result<()> {
    // Housekeeping folds the write-ahead log back from its own connection, so that an append never pays for it.
    connection.pragma_update(None, "wal_autocheckpoint", 0)?;
    connection.pragma_update(None, "cache_size", CACHE_KIB)?;
    if let Some(bytes) = shared.options.max_file_bytes {
        let page_bytes: i64 = connection.pragma_query_value(None, "page_size", |row| row.get(0))?;
        let pages = (i64::try_from(bytes).unwrap_or(i64::MAX) / page_bytes).max(1);
        connection.pragma_update_and_check(None, "max_page_count", pages, |_| Ok(()))?;
    }
    Ok(())
}

impl Writer {
    /// Works until a request closes it or everyone who could ask is gone.
    pub fn run(mut self) {
        let mut waiting = Vec::new();
        let mut closers = Vec::new();
        let mut left = 0;
        let mut answered = 0;
        while self.requests.blocking_recv_many(&mut waiting, self.shared.options.max_batch_records) > 0 {
            self.gather(&mut waiting, answered);
            answered = waiting.len();
            let failed = self.work_off(&mut waiting, &mut closers);
            if !closers.is_empty() {
                // From here on nothing new comes in; what is in already is written.
                self.requests.close();
                left += failed;
            }
        }
        // It ends by itself when the log is closing; its connections must be gone before the last checkpoint.
        if self.housekeeper.take().is_some_and(|housekeeper| housekeeper.join().is_err()) {
            tracing::error!("the log's housekeeping had panicked");
        }
        // The data is safe either way: what stays in the write-ahead log is read from there at the next start.
        if !self.guard.is_refused()
            && let Err(error) = self.fold_back("PRAGMA wal_checkpoint(TRUNCATE)")
        {
            tracing::warn!(%error, "the write-ahead log was not folded back at the end");
        }
        let Writer { connection, folder, .. } = self;
        if let Some((_, error)) = connection.and_then(|connection| connection.close().err()) {
            tracing::warn!(%error, "the log's file was not closed in order");
        }
        drop(folder);
        for closer in closers {
            let _ = closer.send(Closed { left });
        }
    }

    /// Callers answered together tend to call again together: waits a moment for them, for as long as more come, so
    /// that they share one sync and not two. A lone caller never waits.
    fn gather(&mut self, waiting: &mut Vec<Request>, answered: usize) {
        if answered <= 1 && waiting.len() <= 1 {
            return;
        }
        let until = Instant::now() + GATHERING;
        let mut napped = false;
        loop {
            let before = waiting.len();
            while waiting.len() < self.shared.options.max_batch_records
                && let Ok(request) = self.requests.try_recv()
            {
                waiting.push(request);
            }
            let nobody_comes = napped && waiting.len() == before;
            let all_of_few = (answered..MANY).contains(&waiting.len());
            let full = waiting.len() >= self.shared.options.max_batch_records;
            if nobody_comes || all_of_few || full || Instant::now() >= until {
                return;
            }
            thread::sleep(NAP);
            napped = true;
        }
    }

    /// Writes what waits, in as many transactions as its bytes need. Returns how many requests failed.
    fn work_off(
        &mut self,
        waiting: &mut Vec<Request>,
        closers: &mut Vec<tokio::sync::oneshot::Sender<Closed>>,
    ) -> usize {
        let mut failed = 0;
        let mut batch = Vec::with_capacity(waiting.len());
        let mut bytes = 0;
        for request in waiting.drain(..) {
            match request {
                Request::Close { reply } => closers.push(reply),
                Request::BeforeCheckpoint { reply } => drop(reply.send(self.before_checkpoint())),
                Request::FinishCheckpoint { reply } => {
                    self.finish_checkpoint();
                    let _ = reply.send(());
                }
                request => {
                    bytes += request.bytes();
                    batch.push(request);
                    if bytes >= self.shared.options.max_batch_bytes {
                        failed += self.commit(std::mem::take(&mut batch));
                        bytes = 0;
                    }
                }
            }
        }
        failed + if batch.is_empty() { 0 } else { self.commit(batch) }
    }

    fn commit(&mut self, batch: Vec<Request>) -> usize {
        let appended_at = self.shared.clock.now();
        let bytes: usize = batch.iter().map(Request::bytes).sum();
        let shared = self.shared.clone();
        let written = match ready(&mut self.connection, &self.path, &shared) {
            Ok(connection) => batch::write(connection, &batch, &shared, appended_at, &self.guard),
            // Nothing was begun.
            Err(error) => Err(BatchError::RolledBack(error)),
        };
        match written {
            Ok(Written { trims, appended, changed }) => {
                self.guard.acknowledge(appended);
                if changed {
                    self.guard.committed();
                }
                batch::publish(batch, trims, &shared, appended_at);
                self.count(bytes as u64 + BATCH_OVERHEAD_BYTES);
                0
            }
            Err(error) => {
                tracing::error!(?error, requests = batch.len(), "a batch was not written to the log");
                self.recover(&error);
                batch::refuse(batch, &error)
            }
        }
    }

    /// After a failure: ends the transaction and reads what the file really holds. What a commit with an unknown result
    /// may have left is synced before it is read.
    fn recover(&mut self, error: &BatchError) {
        let Some(connection) = self.connection.take() else { return };
        let over = connection.is_autocommit() || connection.execute_batch("ROLLBACK").is_ok();
        let certain = matches!(error, BatchError::RolledBack(_));
        let on_disk = over && (certain || sqlite::sync_wal(&self.path).is_ok());
        if on_disk && reload(&connection, &self.shared).is_ok() {
            self.connection = Some(connection);
        }
    }

    fn count(&self, bytes: u64) {
        let before = self.shared.unfolded_bytes.fetch_add(bytes, Ordering::Relaxed);
        if before + bytes >= self.shared.options.wal_checkpoint_bytes {
            // A full channel: it has a message already.
            let _ = self.housekeeping.try_send(());
        }
    }

    fn before_checkpoint(&mut self) -> rusqlite::Result<()> {
        let closed =
            || rusqlite::Error::SqliteFailure(ffi::Error::new(ffi::SQLITE_MISUSE), Some("it is not open".into()));
        let connection = self.connection.as_ref().ok_or_else(closed)?;
        self.guard.before_checkpoint(connection)
    }

    /// With the writer at rest a passive checkpoint reaches the end, and the next write restarts the file.
    fn finish_checkpoint(&mut self) {
        if let Err(error) = self.fold_back("PRAGMA wal_checkpoint(PASSIVE)") {
            tracing::warn!(%error, "the write-ahead log was not folded back; it grows until that succeeds");
        }
    }

    fn fold_back(&mut self, pragma: &str) -> rusqlite::Result<()> {
        self.before_checkpoint()?;
        self.connection.as_ref().map_or(Ok(()), |connection| connection.query_row(pragma, [], |_| Ok(())))
    }
}

/// The connection, opened again if need be.
fn ready<'c>(
    connection: &'c mut Option<Connection>,
    path: &Path,
    shared: &Shared,
) -> Result<&'c Connection, FailureCause> {
    if connection.is_none() {
        let opened = sqlite::open_again(path, folder::LOG)
            .map_err(|error| FailureCause::from(error.to_string()).caused_by(error))?;
        tune(&opened, shared).map_err(cause)?;
        sqlite::sync_wal(path).map_err(cause)?;
        reload(&opened, shared).map_err(cause)?;
        return Ok(connection.insert(opened));
    }
    connection.as_ref().ok_or_else(|| "it has no connection to its file".into())
}

/// Reads the partitions' ends from the file, where a failure left them in doubt. A record whose commit seemed to fail and
/// did not becomes visible here.
fn reload(connection: &Connection, shared: &Shared) -> rusqlite::Result<()> {
    let bounds = schema::load_bounds(connection, shared.partitions)?;
    let commits = schema::load_commits(connection, &bounds)?;
    let mut state = shared.state();
    for (lane, bounds) in state.lanes.iter_mut().zip(&bounds) {
        lane.first_offset = bounds.first;
        if lane.tail.end() != bounds.end {
            lane.tail.restart(bounds.end);
        }
    }
    for (name, committed) in commits {
        let made = || super::state::Group::new(shared.partitions, committed.clone(), &shared.options);
        state.groups.entry(name).or_insert_with(made).committed = committed.clone();
    }
    drop(state);
    shared.changed.send_replace(());
    Ok(())
}
