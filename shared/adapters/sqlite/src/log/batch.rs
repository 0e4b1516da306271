//! One group commit: what waited becomes one transaction, synced once, and then every caller is answered.

use rusqlite::{Connection, Error, ErrorCode};
use tidegate_kernel::{Partition, Position, Timestamp};
use tidegate_ports::{AppendError, Consumed, FailureCause, LogError, Origin};

use super::request::Request;
use super::rows;
use super::schema::{self, GENERATION, record_id};
use super::state::{Group, Shared, State};
use crate::guards::FileGuard;
use crate::sqlite::failure::cause;

/// Why a batch was not acknowledged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum BatchError {
    /// The transaction certainly left nothing behind.
    RolledBack(FailureCause),
    /// `COMMIT` itself failed in a way that leaves open whether its last page reached the disk.
    Unknown(FailureCause),
}

/// What a batch wrote.
pub(super) struct Written {
    pub trims: Trims,
    /// Records appended since the log was made, these included.
    pub appended: u64,
    /// A batch that changed nothing wrote nothing.
    pub changed: bool,
}

/// Offsets that a batch trimmed its partitions to.
pub(super) type Trims = Vec<(Partition, i64)>;

/// Writes the requests in one transaction and commits it. Appends continue at the partitions' ends.
pub(super) fn write(
    connection: &Connection,
    requests: &[Request],
    shared: &Shared,
    appended_at: Timestamp,
    guard: &FileGuard,
) -> Result<Written, BatchError> {
    let rolled_back = |error: Error| BatchError::RolledBack(cause(error));
    connection.execute_batch("BEGIN IMMEDIATE").map_err(rolled_back)?;
    let before = connection.total_changes();
    let (trims, appended) = write_all(connection, requests, shared, appended_at).map_err(rolled_back)?;
    let changed = connection.total_changes() > before;
    if changed {
        guard.note_commit(connection).map_err(rolled_back)?;
    }
    #[cfg(feature = "fail-points")]
    fail::fail_point!("embedded::between_write_and_commit", |_| std::process::abort());
    connection.execute_batch("COMMIT").map_err(commit_failure)?;
    #[cfg(feature = "fail-points")]
    fail::fail_point!("embedded::between_commit_and_answer", |_| std::process::abort());
    Ok(Written { trims, appended, changed })
}

/// Returns the trims, and the records appended since the log was made.
fn write_all(
    connection: &Connection,
    requests: &[Request],
    shared: &Shared,
    at: Timestamp,
) -> rusqlite::Result<(Trims, u64)> {
    let mut trims = Trims::new();
    // A group that joins in this batch still needs every record there is.
    let joining = requests.iter().any(|request| matches!(request, Request::Join { .. }));
    let mut ends: Vec<i64> = shared.state().lanes.iter().map(|lane| lane.tail.end()).collect();
    let mut insert = connection.prepare_cached(schema::INSERT)?;
    for request in requests {
        match request {
            Request::Append(append) => {
                let end = &mut ends[append.partition as usize];
                let (id, payload) = (record_id(append.partition, *end), &append.payload[..]);
                let sum = rows::checksum(id, at, payload);
                match append.origin {
                    None => insert.execute((id, at.as_millis(), payload, sum))?,
                    Some(Origin { position, attempt }) => {
                        let mut again = connection.prepare_cached(schema::INSERT_AGAIN)?;
                        again.execute((id, at.as_millis(), payload, sum, position.to_string(), attempt))?
                    }
                };
                *end += 1;
            }
            Request::Commit(commit) => {
                let row = (&*commit.group, commit.partition, commit.next_offset);
                connection.prepare_cached(schema::COMMIT)?.execute(row)?;
            }
            Request::Rewind { group, partition, to, .. } => {
                connection.prepare_cached(schema::REWIND)?.execute((group, partition, to))?;
            }
            Request::Join { group, .. } => {
                let firsts: Vec<i64> = shared.state().lanes.iter().map(|lane| lane.first_offset).collect();
                let mut join = connection.prepare_cached(schema::JOIN)?;
                for (partition, first) in (0u32..).zip(&firsts) {
                    join.execute((group, partition, first))?;
                }
            }
            Request::Trim { partition, below, .. } => {
                let trimmed = trimmed(&shared.state(), *partition, *below).filter(|_| !joining);
                if let Some((first, below)) = trimmed {
                    trims.push((*partition, below));
                    let range = [record_id(*partition, first), record_id(*partition, below)];
                    connection.prepare_cached(schema::DELETE)?.execute(range)?;
                    connection.prepare_cached(schema::TRIM)?.execute((partition, below))?;
                }
            }
            Request::BeforeCheckpoint { .. } | Request::FinishCheckpoint { .. } | Request::Close { .. } => {}
        }
    }
    Ok((trims, schema::appended(ends)))
}

/// What a trim deletes: never what some known group has not applied.
fn trimmed(state: &State, partition: u32, below: i64) -> Option<(i64, i64)> {
    let first = state.lanes[partition as usize].first_offset;
    let below = below.min(state.applied_below(partition)?);
    (below > first).then_some((first, below))
}

/// A full disk, and a lock that was not got, happen before the last page is written; anything else may have
/// happened after it.
fn commit_failure(error: Error) -> BatchError {
    match error.sqlite_error_code() {
        Some(ErrorCode::DiskFull | ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
            BatchError::RolledBack(cause(error))
        }
        _ => BatchError::Unknown(cause(error)),
    }
}

/// The batch is on disk: shows it to the consumers, then answers the callers.
pub(super) fn publish(requests: Vec<Request>, trims: Trims, shared: &Shared, appended_at: Timestamp) {
    let mut positions = Vec::with_capacity(requests.len());
    {
        let mut state = shared.state();
        for request in &requests {
            match request {
                Request::Append(append) => {
                    let tail = &mut state.lanes[append.partition as usize].tail;
                    let position = Position { generation: GENERATION, partition: append.partition, offset: tail.end() };
                    let (payload, provenance) = (append.payload.clone(), rows::provenance(append.origin));
                    tail.push(Consumed { position, appended_at, payload, provenance });
                    positions.push(position);
                }
                Request::Commit(commit) => {
                    let slot = state.groups.get_mut(&*commit.group).map(|group| &mut group.committed);
                    if let Some(slot) = slot.and_then(|committed| committed.get_mut(commit.partition as usize)) {
                        *slot = commit.next_offset.max(*slot);
                    }
                }
                Request::Rewind { group, partition, to, .. } => {
                    let group = state.groups.get_mut(group);
                    if let Some(slot) = group.and_then(|group| group.committed.get_mut(*partition as usize)) {
                        *slot = *to;
                    }
                }
                Request::Join { group, .. } => {
                    let firsts = state.lanes.iter().map(|lane| lane.first_offset).collect();
                    let made = || Group::new(shared.partitions, firsts, &shared.options);
                    state.groups.entry(group.clone()).or_insert_with(made);
                }
                Request::Trim { .. }
                | Request::BeforeCheckpoint { .. }
                | Request::FinishCheckpoint { .. }
                | Request::Close { .. } => {}
            }
        }
        for (partition, below) in trims {
            state.lanes[partition as usize].first_offset = below;
        }
    }
    if !positions.is_empty() {
        shared.changed.send_replace(());
    }
    let mut positions = positions.into_iter();
    // A caller that left is no loss: what it asked for is done.
    for request in requests {
        match request {
            Request::Append(append) => {
                if let Some(position) = positions.next() {
                    let _ = append.reply.send(Ok(position));
                }
            }
            Request::Commit(commit) => drop(commit.reply.send(Ok(()))),
            Request::Join { reply, .. } | Request::Rewind { reply, .. } | Request::Trim { reply, .. } => {
                drop(reply.send(Ok(())))
            }
            Request::BeforeCheckpoint { .. } | Request::FinishCheckpoint { .. } | Request::Close { .. } => {}
        }
    }
}

/// The batch failed: answers the callers with the error. Returns the number of appends and commits.
pub(super) fn refuse(requests: Vec<Request>, error: &BatchError) -> usize {
    let (append_error, log_error) = match error {
        BatchError::RolledBack(cause) => (AppendError::NotPersisted(cause.clone()), cause),
        BatchError::Unknown(cause) => (AppendError::Unknown(cause.clone()), cause),
    };
    let log_error = LogError::Unavailable(log_error.clone());
    let mut refused = 0;
    for request in requests {
        match request {
            Request::Append(append) => {
                refused += 1;
                let _ = append.reply.send(Err(append_error.clone()));
            }
            Request::Commit(commit) => {
                refused += 1;
                let _ = commit.reply.send(Err(log_error.clone()));
            }
            Request::Join { reply, .. } | Request::Rewind { reply, .. } | Request::Trim { reply, .. } => {
                drop(reply.send(Err(log_error.clone())))
            }
            Request::BeforeCheckpoint { .. } | Request::FinishCheckpoint { .. } | Request::Close { .. } => {}
        }
    }
    refused
}

#[cfg(test)]
mod tests {
    use rusqlite::ffi;

    use super::*;

    #[test]
    fn only_a_commit_that_certainly_left_nothing_counts_as_rolled_back() {
        let failure = |code| commit_failure(Error::SqliteFailure(ffi::Error::new(code), None));
        for code in [ffi::SQLITE_FULL, ffi::SQLITE_BUSY, ffi::SQLITE_BUSY_SNAPSHOT, ffi::SQLITE_LOCKED] {
            assert!(matches!(failure(code), BatchError::RolledBack(_)), "{code}");
        }
        for code in [ffi::SQLITE_IOERR, ffi::SQLITE_IOERR_FSYNC, ffi::SQLITE_IOERR_WRITE, ffi::SQLITE_CORRUPT] {
            assert!(matches!(failure(code), BatchError::Unknown(_)), "{code}");
        }
    }
}
