//! The ports that a decider uses.

use std::sync::Arc;

use tidegate_ports::{Append, Books, Clock, Deliveries, Due, Facts, Views};

use crate::sending::Sending;

/// The ports of a decider.
#[derive(Clone)]
pub struct DecidingPorts {
    pub books: Arc<dyn Books>,
    pub facts: Arc<dyn Facts>,
    pub views: Arc<dyn Views>,
    pub due: Arc<dyn Due>,
    pub deliveries: Arc<dyn Deliveries>,
    /// Takes effects and ticks; `None` while a store is rebuilt: they are on the log already.
    pub append: Option<Arc<dyn Append>>,
    /// Sends what is stored as deliveries; `None`: this process leaves that to others.
    pub sending: Option<Arc<Sending>>,
    pub clock: Arc<dyn Clock>,
}

/// Bounds of a decider.
#[derive(Clone, Copy, Debug)]
pub struct DecidingOptions {
    /// Partitions of the log.
    pub partitions: u32,
    /// Bytes of the documents of the books that are kept in memory, for each assigned partition.
    pub max_book_bytes_in_memory: usize,
}

impl DecidingOptions {
    pub const fn new(partitions: u32) -> Self {
        DecidingOptions { partitions, max_book_bytes_in_memory: 16 << 20 }
    }
}
