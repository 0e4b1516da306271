//! Opening a partition: its account is read, and what the store has lost of it since is read again first.

use std::slice;

use tidegate_kernel::Position;
use tidegate_ports::{Account, Checkpoint};

use crate::applier::Applier;
use crate::apply::Apply;
use crate::backoff::Backoff;
use crate::brake::Tripped;
use crate::halting::Halting;
use crate::opened::{LaneState, Opened, WentBack};

impl<A: Apply> Applier<A> {
    /// The account with how far it is safe, where anything can be lost.
    pub fn checked(&self, opened: &Opened) -> Account {
        let checkpoint = Checkpoint { starts: opened.starts, offset: opened.window.safe() };
        Account { checkpoint: self.log.is_some().then_some(checkpoint), ..opened.account }
    }

    /// The partition's account as its last owner settled it, or one that begins with this record. What the store has
    /// lost since then is read again first.
    pub(crate) async fn open(&self, first: Position, state: &mut LaneState<A>) -> Opened {
        let known = state.opened.take().filter(|opened| opened.account.generation == first.generation);
        if let Some(opened) = known {
            return opened;
        }
        // First: whether the store has started again since then is asked for with every batch.
        let starts = self.until_done("ask for starts", || self.apply.starts()).await;
        self.voids.store_started(starts);
        self.until_done("read the void records", || self.voids.read()).await;
        let read = || self.accounts.account(first.generation, first.partition);
        let settled = self.until_done("read the account", read).await;
        let Some(account) = settled else { return self.open_anew(first, &state.assigned, starts).await };
        let mut opened = Opened::settled(account, starts);
        // The log may say that more was done than the account does: then the store has lost the account's end.
        let is_short = self.log.is_some() && account.next_offset < first.offset;
        if opened.starts != starts || is_short {
            let until = account.next_offset.max(first.offset);
            self.read_up_to(&state.assigned, until, &mut opened, WentBack { starts }).await;
        }
        opened
    }

    /// Whether records at offsets that are accounted for are others than those that were applied there. Records come
    /// again after a crash, or when the group has lost its offsets; the log's end then lies where it was, or further on.
    pub(crate) async fn went_back(&self, first: Position, account: &Account) -> Option<Halting> {
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
        let tripped = Tripped::LogWentBack { accounted: lag.accounted, end: lag.end };
        lag.went_back().then_some(Halting { tripped, offset: first.offset })
    }
}
