//! The ports of a replay.

use std::sync::Arc;

use tidegate_ports::{AppendAgain, Clock, DeadLetters, ReadLag, ReadLog};

/// The ports of a replay, on servers or on a data folder.
#[derive(Clone)]
pub struct ReplayPorts {
    pub log: Arc<dyn ReadLog>,
    pub again: Arc<dyn AppendAgain>,
    pub dead_letters: Arc<dyn DeadLetters>,
    /// Of the group that applies the records.
    pub lag: Arc<dyn ReadLag>,
    pub clock: Arc<dyn Clock>,
}
