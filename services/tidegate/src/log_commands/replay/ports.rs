//! What a replay stands on.

use std::sync::Arc;

use tidegate_agentping_ports::Runs;
use tidegate_ports::{AppendAgain, Clock, DeadLetters, ReadLag, ReadLog};

/// The ports of a replay, whatever is behind them.
#[derive(Clone)]
pub struct Ports {
    pub log: Arc<dyn ReadLog>,
    pub again: Arc<dyn AppendAgain>,
    pub letters: Arc<dyn DeadLetters>,
    /// Read only: who writes runs is the persister alone.
    pub runs: Arc<dyn Runs>,
    /// Of the persisters' group.
    pub lag: Arc<dyn ReadLag>,
    pub clock: Arc<dyn Clock>,
}
