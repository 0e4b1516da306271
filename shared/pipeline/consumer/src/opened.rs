//! What is known of a partition once its account is read, and whether the store still has what it counts.

use tidegate_kernel::Partition;
use tidegate_ports::Account;

use crate::brake::{Brake, Tripped};
use crate::window::Window;

/// What one assignment of a partition remembers from batch to batch.
pub(crate) struct LaneState {
    pub(crate) partition: Partition,
    pub(crate) brake: Brake,
    /// Read with the first batch.
    pub(crate) opened: Option<Opened>,
    /// No batch has come, and the store was checked without one.
    pub(crate) is_checked: bool,
    /// The offset after the last batch.
    pub(crate) read_to: Option<i64>,
}

/// What a partition's records came to, and what of it the store may still lose.
pub(crate) struct Opened {
    pub account: Account,
    /// [`Apply::starts`](crate::Apply::starts) as of when everything that was acknowledged was certainly there.
    pub starts: u64,
    pub window: Window,
    /// Why nothing more of the partition is to be applied.
    pub halted: Option<Tripped>,
}

/// A server of the store has started again: what was loaded is not to be built upon.
#[derive(Clone, Copy, Debug)]
pub(crate) struct WentBack {
    pub starts: u64,
}

impl LaneState {
    pub fn new(partition: Partition, brake: Brake) -> Self {
        LaneState { partition, brake, opened: None, is_checked: false, read_to: None }
    }
}

impl Opened {
    /// As a former owner settled it, in a store whose servers have started so by now.
    pub fn settled(account: Account, starts: u64) -> Self {
        let window = Window::from(account.checkpoint.map_or(account.next_offset, |known| known.offset));
        // An account from before checkpoints says nothing of starts.
        let starts = account.checkpoint.map_or(starts, |known| known.starts);
        Opened { account, starts, window, halted: None }
    }
}
