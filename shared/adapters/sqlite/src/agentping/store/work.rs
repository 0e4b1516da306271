//! What is written into the store.

use std::sync::Arc;

use tidegate_agentping_ports::{Note, RunWrite};
use tidegate_ports::{Account, Halt};

/// One write. Writes that wait together share a commit.
pub(crate) enum Work {
    Runs(Arc<Vec<RunWrite>>),
    Notes(Arc<Vec<Note>>),
    Account(Account),
    Halt(Halt),
}
