//! The ports of a replay.

use std::sync::Arc;

use tidegate_agentping_ports::Runs;
use tidegate_ports::{AppendAgain, Clock, DeadLetters, ReadLag, ReadLog};

/// The ports of a replay, on servers or on a data folder.
#[derive(Clone)]
pub struct Ports {
    pub log: Arc<dyn ReadLog>,
    pub again: Arc<dyn AppendAgain>,
    pub letters: Arc<dyn DeadLetters>,
    /// For reading: the persister alone writes runs.
    pub runs: Arc<dyn Runs>,
    /// Of the persisters' group.
    pub lag: Arc<dyn ReadLag>,
    pub clock: Arc<dyn Clock>,
}
