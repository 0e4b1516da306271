//! Guard: whether a job may start, by the spend of its team and by pauses (AgentPing: guard).

pub mod blocks;
pub mod check;
mod events;
pub mod rules;
mod sums;

use std::sync::Arc;

use tokio::sync::Semaphore;

use crate::manage::TeamLimit;
use crate::management::Management;

pub(crate) use events::Announcer;
pub use events::GuardEvents;
pub(crate) use sums::{SpendBoard, spend_pages};

/// Checks of a team in a second, and at once.
const PER_S: u32 = 50;
const BURST: u32 = 200;
/// Blocks that are written at once. Beyond it a block is answered and not kept: the store is too slow for them.
const WRITES_AT_ONCE: usize = 256;

/// What guard needs beyond what every request does.
pub(crate) struct Guard {
    pub limit: TeamLimit,
    /// How many blocks by pauses are kept: they take nothing of the limit.
    pub kept_pauses: TeamLimit,
    pub board: SpendBoard,
    pub writes: Arc<Semaphore>,
    pub announcer: Announcer,
}

impl Guard {
    pub fn new(managed: &Management) -> Self {
        Guard {
            limit: TeamLimit::new(PER_S, BURST),
            kept_pauses: TeamLimit::new(PER_S, BURST),
            board: SpendBoard::new(managed.rows.clone(), managed.mirror.clone()),
            writes: Arc::new(Semaphore::new(WRITES_AT_ONCE)),
            announcer: Announcer::default(),
        }
    }
}
