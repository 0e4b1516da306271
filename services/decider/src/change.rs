//! What the decisions of a batch change for one owner.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bytes::Bytes;
use tidegate_kernel::command::{BookState, Decider};
use tidegate_kernel::{LogKey, Position};
use tidegate_ports::{BookWrite, DeliveryWrite, DueWrite, StoredFact, ViewWrite};

use crate::owned_partition::OwnedPartition;

/// Everything to write for one owner.
#[derive(Clone)]
pub struct OwnerChange<D: Decider> {
    pub(crate) owner: D::Owner,
    pub(crate) partition: Arc<OwnedPartition<D>>,
    /// Each row once, as it is after the batch.
    pub(crate) views: Vec<ViewWrite>,
    pub(crate) due: Option<DueWrite>,
    pub(crate) deliveries: Vec<DeliveryWrite>,
    pub(crate) facts: Vec<StoredFact>,
    pub(crate) effects: Arc<Effects>,
    pub(crate) book: BookWrite,
    pub(crate) state: Arc<BookState<D::Book>>,
}

/// An encoded command to another owner.
pub(crate) struct EffectCommand {
    pub owner: LogKey,
    pub command: Bytes,
    /// Where the command stands that it follows from.
    pub cause: Position,
}

/// The commands to other owners.
#[derive(Default)]
pub(crate) struct Effects {
    pub commands: Vec<EffectCommand>,
    are_appended: AtomicBool,
}

impl Effects {
    pub fn new(commands: Vec<EffectCommand>) -> Self {
        Effects { commands, are_appended: AtomicBool::new(false) }
    }

    /// Whether this process has appended them all: a second try need not.
    pub fn are_appended(&self) -> bool {
        self.are_appended.load(Ordering::Relaxed)
    }

    pub fn appended(&self) {
        self.are_appended.store(true, Ordering::Relaxed);
    }
}
