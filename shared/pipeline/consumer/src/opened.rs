//! What is known of a partition once its account is read, and whether the store still has what it counts.

use std::slice;

use tidegate_kernel::{Partition, Position};
use tidegate_ports::{Account, Checkpoint};

use crate::applier::Applier;
use crate::apply::Apply;
use crate::backoff::Backoff;
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
    /// [`Apply::starts`] as of when everything that was acknowledged was certainly there.
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

impl<A: Apply> Applier<A> {
    /// The account with how far it is safe, where anything can be lost.
    pub fn checked(&self, opened: &Opened) -> Account {
        let checkpoint = Checkpoint { starts: opened.starts, offset: opened.window.safe() };
        Account { checkpoint: self.log.is_some().then_some(checkpoint), ..opened.account }
    }

    /// The partition's account as its last owner settled it, or one that begins with this record. What the store has
    /// lost since then is read again first.
    pub(crate) async fn open(&self, first: Position, state: &mut LaneState) -> Opened {
        let known = state.opened.take().filter(|opened| opened.account.generation == first.generation);
        if let Some(opened) = known {
            return opened;
        }
        let read = || self.accounts.account(first.generation, state.partition);
        let settled = self.until_done("read the account", read).await;
        let starts = self.until_done("ask for starts", || self.apply.starts()).await;
        let Some(account) = settled else { return self.open_anew(first, starts).await };
        let mut opened = Opened::settled(account, starts);
        // The log may say that more was done than the account does: then the store has lost the account's end.
        let is_short = self.log.is_some() && account.next_offset < first.offset;
        if opened.starts != starts || is_short {
            let until = account.next_offset.max(first.offset);
            self.read_up_to(state.partition, until, &mut opened, WentBack { starts }).await;
        }
        opened
    }

    /// Whether records at offsets that are accounted for are others than those that were applied there. Records come
    /// again after a crash, or when the group has lost its offsets; the log's end then lies where it was, or further on.
    pub(crate) async fn went_back(&self, first: Position, account: &Account) -> Option<Tripped> {
        let ends = self.ends.as_ref().filter(|_| first.offset < account.next_offset)?;
        let account = slice::from_ref(account);
        let mut backoff = Backoff::new("find the log's end", &self.metrics);
        let lags = loop {
            match ends.partitions(account).await {
                Ok(lags) => break lags,
                Err(error) => backoff.wait(&error).await,
            }
        };
        let lag = lags.into_iter().find(|lag| lag.partition == first.partition)?;
        lag.went_back().then_some(Tripped::LogWentBack { accounted: lag.accounted, end: lag.end })
    }
}
