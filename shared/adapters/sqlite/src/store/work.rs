//! What the store's writer is given to write.

use std::sync::Arc;

use tidegate_agentping_ports::{Note, RunWrite};
use tidegate_ports::{Account, Halt};

/// One write. Writes that wait together share a commit.
pub(super) enum Work {
    Runs(Arc<Vec<RunWrite>>),
    Notes(Arc<Vec<Note>>),
    Account(Account),
    Halt(Halt),
}

impl Work {
    pub fn rows(&self) -> usize {
        match self {
            Work::Runs(writes) => writes.len(),
            Work::Notes(notes) => notes.len(),
            Work::Account(_) | Work::Halt(_) => 1,
        }
    }

    /// Whether it, and all that was written before it, must be on disk before it is answered. The WAL is one sequence: one
    /// sync covers both.
    pub const fn is_synced(&self) -> bool {
        matches!(self, Work::Account(_))
    }
}
