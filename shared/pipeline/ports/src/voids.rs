//! The voids port: records that operators ask to be set aside because they cannot be decided.

use std::collections::HashSet;

use async_trait::async_trait;
use tidegate_kernel::command::VoidState;
use tidegate_kernel::{Position, Timestamp};

use crate::StoreError;

/// Stores which records of the log are void. Whoever applies the log skips exactly those whose void is in force, on a
/// replay and a rebuild, too. Of two changes of one record at once, one comes after the other.
#[async_trait]
pub trait Voids: Send + Sync + 'static {
    /// Asks for a record to be void, for the first time or after a withdrawal. One that is asked for, or in force, stays
    /// as it is; the first reason and instant stay. Returns its round: how many times it was asked for, with a withdrawal
    /// before each but the first.
    ///
    /// # Errors
    /// [`StoreError`]; ask again.
    async fn ask(&self, request: VoidRequest) -> Result<u32, StoreError>;

    /// Settles a void that is asked for, in this round: it is in force, or withdrawn. Any other one stays as it is, so
    /// [`all`](Self::all) says afterwards what it is. What was found out before a withdrawal settles nothing after it:
    /// releases may have decided the record in between.
    ///
    /// # Errors
    /// [`StoreError`]; settle again.
    async fn settle(&self, position: Position, round: u32, state: VoidState) -> Result<(), StoreError>;

    /// Every void, by position.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn all(&self) -> Result<Vec<Void>, StoreError>;
}

/// A record that an operator wants to be void.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VoidRequest {
    pub position: Position,
    /// Why, in the operator's words.
    pub reason: String,
    pub asked_at: Timestamp,
}

/// A request, and what became of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Void {
    pub request: VoidRequest,
    pub state: VoidState,
}

/// The records that are skipped.
pub fn void_positions(voids: &[Void]) -> HashSet<Position> {
    let is_in_force = |void: &&Void| void.state == VoidState::InForce;
    voids.iter().filter(is_in_force).map(|void| void.request.position).collect()
}
