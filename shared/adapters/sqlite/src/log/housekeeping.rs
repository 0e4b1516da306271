//! The second thread of the log: folds the write-ahead log back into the file and deletes what retention lets go.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::Instant;

use rusqlite::{Connection, ffi};
use tidegate_kernel::{Partition, Timestamp};
use tokio::sync::{mpsc, oneshot};

use super::request::Request;
use super::schema::{self, offset_of, record_id};
use super::space;
use super::state::Shared;
use crate::guards::Snapshot;

pub(super) struct Housekeeper {
    pub shared: Arc<Shared>,
    pub connection: Connection,
    /// Bounds a checkpoint.
    pub snapshot: Snapshot,
    pub requests: mpsc::Sender<Request>,
    /// The folder that the log is in.
    pub folder: PathBuf,
    /// A message from the writer: the write-ahead log has grown; or from the caller that closes the log.
    pub wakes: Receiver<()>,
}

/// Records, and bytes of payload, deleted in one transaction at most: so few that no append waits for it noticeably.
const STEP_RECORDS: i64 = 256;
const STEP_BYTES: u64 = 1024 * 1024;

/// Bytes of a row without its payload, about.
const ROW_BYTES: u64 = 16;

/// Bytes of the write-ahead log that the writer may have to fold back while appends wait, at most.
const REMAINDER_BYTES: i64 = 1024 * 1024;
const CATCH_UP_ROUNDS: u32 = 2;
/// Where a checkpoint leaves at most as many bytes (its own count, and hardly an append), the writer has time to finish it.
const QUIET_BYTES: i64 = 64 * 1024;

/// Records of a partition that may be deleted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Step {
    partition: Partition,
    below: i64,
}

impl Housekeeper {
    pub fn run(self) {
        let mut looked_at = Instant::now();
        let interval = self.shared.options.housekeeping_interval;
        loop {
            let woken = self.wakes.recv_timeout(interval.saturating_sub(looked_at.elapsed()));
            if self.shared.is_closing() || woken == Err(RecvTimeoutError::Disconnected) {
                return;
            }
            if let Err(error) = self.fold_back()
                && !self.shared.is_closing()
            {
                tracing::warn!(%error, "the write-ahead log was not folded back; it grows until that succeeds");
            }
            if looked_at.elapsed() >= interval {
                space::publish(&self.folder);
                if let Err(error) = self.retain() {
                    tracing::warn!(%error, "retention did not finish; it goes on with the next look");
                }
                looked_at = Instant::now();
            }
        }
    }

    fn fold_back(&self) -> rusqlite::Result<()> {
        let options = &self.shared.options;
        if self.shared.unfolded_bytes.load(Ordering::Relaxed) < options.wal_checkpoint_bytes {
            return Ok(());
        }
        let page_bytes: i64 = self.connection.pragma_query_value(None, "page_size", |row| row.get(0))?;
        let (mut frames, mut folded) = self.checkpoint()?;
        self.shared.unfolded_bytes.store(0, Ordering::Relaxed);
        let small = frames.saturating_mul(page_bytes) < i64::try_from(options.wal_restart_bytes).unwrap_or(i64::MAX);
        let quiet = (frames - folded).saturating_mul(page_bytes) <= QUIET_BYTES;
        if small && !quiet {
            return Ok(());
        }
        // Under steady load a checkpoint never meets the end. Come close, then let the writer do the rest.
        for _ in 0..CATCH_UP_ROUNDS {
            if (frames - folded).saturating_mul(page_bytes) <= REMAINDER_BYTES {
                break;
            }
            (frames, folded) = self.checkpoint()?;
        }
        let (reply, answer) = oneshot::channel();
        if self.requests.blocking_send(Request::FinishCheckpoint { reply }).is_ok() {
            // Without an answer the log is closing, which folds everything back too.
            let _ = answer.blocking_recv();
        }
        Ok(())
    }

    /// Returns how many frames the write-ahead log has, and how many of them are folded back.
    fn checkpoint(&self) -> rusqlite::Result<(i64, i64)> {
        self.snapshot.around(|| {
            self.before_checkpoint()?;
            self.connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |row| Ok((row.get(1)?, row.get(2)?)))
        })
    }

    /// Asks the writer, which has the guard. A log that is closing runs a checkpoint of its own.
    fn before_checkpoint(&self) -> rusqlite::Result<()> {
        let (reply, answer) = oneshot::channel();
        let closing =
            || rusqlite::Error::SqliteFailure(ffi::Error::new(ffi::SQLITE_ABORT), Some("it is closing".into()));
        self.requests.blocking_send(Request::BeforeCheckpoint { reply }).map_err(|_| closing())?;
        answer.blocking_recv().map_err(|_| closing())?
    }

    /// Deletes applied records that are too old or too many, oldest first, in small steps between the appends.
    fn retain(&self) -> rusqlite::Result<()> {
        while !self.shared.is_closing() {
            let Some(step) = self.next_step()? else { break };
            let (reply, answer) = oneshot::channel();
            let trim = Request::Trim { partition: step.partition, below: step.below, reply };
            if self.requests.blocking_send(trim).is_err() || !matches!(answer.blocking_recv(), Ok(Ok(()))) {
                break;
            }
        }
        Ok(())
    }

    fn next_step(&self) -> rusqlite::Result<Option<Step>> {
        let retention = self.shared.options.retention;
        let max_age_ms = i64::try_from(retention.max_age_ms).unwrap_or(i64::MAX);
        let cutoff = self.shared.clock.now().plus_millis(-max_age_ms);
        let excess = self.used_bytes()?.saturating_sub(retention.max_bytes);
        let mut oldest: Option<(Timestamp, Partition, i64, i64)> = None;
        for (partition, first, applied) in self.applied() {
            let range = [record_id(partition, first), record_id(partition, applied)];
            let mut statement = self.connection.prepare_cached(schema::APPENDED_AT)?;
            let mut rows = statement.query(range)?;
            if let Some(row) = rows.next()? {
                let candidate = (Timestamp::from_millis(row.get(0)?), partition, first, applied);
                oldest = Some(oldest.map_or(candidate, |oldest| oldest.min(candidate)));
            }
        }
        let Some((appended_at, partition, first, applied)) = oldest else { return Ok(None) };
        if excess == 0 && appended_at >= cutoff {
            return Ok(None);
        }
        let mut statement = self.connection.prepare_cached(schema::SIZES)?;
        let mut rows = statement.query([record_id(partition, first), record_id(partition, applied), STEP_RECORDS])?;
        let (mut below, mut freed) = (first, 0);
        while let Some(row) = rows.next()? {
            let (id, appended_at, bytes): (i64, i64, i64) = (row.get(0)?, row.get(1)?, row.get(2)?);
            let goes = freed < excess || Timestamp::from_millis(appended_at) < cutoff;
            if !goes || freed >= STEP_BYTES {
                break;
            }
            below = offset_of(id) + 1;
            freed += bytes.unsigned_abs() + ROW_BYTES;
        }
        Ok((below > first).then_some(Step { partition, below }))
    }

    /// Partitions with applied records: first offset kept, and the offset below which all groups are done.
    fn applied(&self) -> Vec<(Partition, i64, i64)> {
        let state = self.shared.state();
        let lanes = (0..).zip(&state.lanes);
        lanes
            .filter_map(|(partition, lane)| {
                let applied = state.applied_below(partition)?;
                (applied > lane.first_offset).then_some((partition, lane.first_offset, applied))
            })
            .collect()
    }

    /// Bytes of the file that hold something.
    fn used_bytes(&self) -> rusqlite::Result<u64> {
        let number = |pragma| self.connection.pragma_query_value(None, pragma, |row| row.get::<_, i64>(0));
        let used = (number("page_count")? - number("freelist_count")?) * number("page_size")?;
        Ok(u64::try_from(used).unwrap_or(0))
    }
}
