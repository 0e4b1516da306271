//! Requests to the writer. Every change of the file is one, and the writer handles them in one order.

use std::sync::Arc;

use bytes::Bytes;
use tidegate_kernel::{Partition, Position};
use tidegate_ports::{AppendError, LogError, Origin};
use tokio::sync::{OwnedSemaphorePermit, oneshot};

pub(super) enum Request {
    Append(PendingAppend),
    /// Makes a group known, from the first retained offsets on.
    Join {
        group: String,
        reply: oneshot::Sender<Result<(), LogError>>,
    },
    Commit(PendingCommit),
    /// Sets a committed offset back, while no member of the group reads.
    Rewind {
        group: String,
        partition: Partition,
        to: i64,
        reply: oneshot::Sender<Result<(), LogError>>,
    },
    /// Deletes applied records of a partition below an offset.
    Trim {
        partition: Partition,
        below: i64,
        reply: oneshot::Sender<Result<(), LogError>>,
    },
    /// Guards a checkpoint that is about to begin.
    BeforeCheckpoint {
        reply: oneshot::Sender<rusqlite::Result<()>>,
    },
    /// Folds what is left of the write-ahead log back, so that it restarts.
    FinishCheckpoint {
        reply: oneshot::Sender<()>,
    },
    Close {
        reply: oneshot::Sender<Closed>,
    },
}

pub(super) struct PendingAppend {
    pub partition: Partition,
    pub payload: Bytes,
    /// Set on a record of the log that is appended again.
    pub origin: Option<Origin>,
    pub reply: oneshot::Sender<Result<Position, AppendError>>,
    /// Its share of the waiting bytes, given back when this is dropped.
    pub _permit: OwnedSemaphorePermit,
}

pub(super) struct PendingCommit {
    pub group: Arc<str>,
    pub partition: Partition,
    pub next_offset: i64,
    pub reply: oneshot::Sender<Result<(), LogError>>,
}

/// How an orderly stop went.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Closed {
    /// Accepted appends and commits that could not be made durable; their callers got an error.
    pub left: usize,
}

impl Request {
    /// Bytes it adds to a batch.
    pub fn bytes(&self) -> usize {
        match self {
            Request::Append(append) => append.payload.len(),
            _ => 0,
        }
    }
}
