//! The records of a batch as a product sees them: grouped by key, each with its entry.

use tidegate_kernel::{Position, Timestamp};
use tidegate_ports::Fate;

/// The records of one key in a batch.
#[derive(Debug)]
pub struct Group<K, R> {
    pub key: K,
    /// In log order, each with its place among the batch's entries.
    pub records: Vec<(usize, R)>,
    /// Whether a replay has appended one of them again.
    pub replayed: bool,
    pub last: Position,
}

/// What is known of one record of a batch.
#[derive(Clone, Copy, Debug)]
pub struct Entry<K> {
    pub position: Position,
    pub appended_at: Timestamp,
    /// `None`: it cannot be decoded.
    pub key: Option<K>,
    /// Where a replayed record was read from.
    pub origin: Option<EntryOrigin>,
    /// `None`: it was folded before.
    pub fate: Option<Fate>,
    /// Of a record that was folded before: how it ended then, where the fold knows.
    pub fate_before: Option<Fate>,
}

/// Where a replayed record was read from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EntryOrigin {
    pub position: Position,
    /// The record there is void: it was never applied.
    pub is_void: bool,
}

/// How one record ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RecordFate<K> {
    pub position: Position,
    pub appended_at: Timestamp,
    /// `None`: it cannot be decoded.
    pub key: Option<K>,
    pub fate: Fate,
}
