//! What is known of a partition once its account is read, and whether the store still has what it counts.

use tidegate_kernel::PartitionEpoch;
use tidegate_ports::Account;
use tokio::time::Instant;

use crate::apply::Apply;
use crate::brake::Brake;
use crate::halting::Halting;
use crate::window::Window;

/// One assignment of a partition, and what the product remembers of it.
pub(crate) struct Assigned<A: Apply> {
    pub of: PartitionEpoch,
    pub assignment: A::Assignment,
}

/// What one assignment of a partition remembers from batch to batch.
pub(crate) struct LaneState<A: Apply> {
    pub(crate) assigned: Assigned<A>,
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
    pub halted: Option<Halting>,
}

/// A server of the store has started again: what was loaded is not to be built upon.
#[derive(Clone, Copy, Debug)]
pub(crate) struct WentBack {
    pub starts: u64,
}

impl<A: Apply> LaneState<A> {
    pub fn new(assigned: Assigned<A>, brake: Brake) -> Self {
        LaneState { assigned, brake, opened: None, is_checked: false, read_to: None }
    }

    /// Its record is void: what comes after it may be applied.
    pub const fn go_on(&mut self) {
        if let Some(opened) = &mut self.opened {
            opened.halted = None;
        }
    }
}

impl Opened {
    /// As a former owner settled it, in a store whose servers have started so by now.
    pub fn settled(account: Account, starts: u64) -> Self {
        let mut window = Window::from(account.checkpoint.map_or(account.next_offset, |known| known.offset));
        // What the former owner saved last can still be lost, also if no record comes any more.
        window.saved(Instant::now(), account.next_offset);
        // An account from before checkpoints says nothing of starts.
        let starts = account.checkpoint.map_or(starts, |known| known.starts);
        Opened { account, starts, window, halted: None }
    }
}
