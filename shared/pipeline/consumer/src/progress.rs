//! How far one partition is: save → settle → commit, as a pure state machine.
//!
//! Offsets are read, then applied (their changes are saved, or their dead letters acknowledged). The account of what is
//! applied is settled next, and only then is the offset committed that it covers. One account is settled at a time, so
//! that no later one overtakes it.
//!
//! | step | event | next step | action |
//! | --- | --- | --- | --- |
//! | any | `Read`, `Applied` | the same | after `Applied`: settle soon |
//! | idle | `Due`, something is applied and not settled | settling | settle its account |
//! | settling | `Settled` | committing | commit its offset |
//! | committing | `Committed` | idle | settle soon, if more was applied meanwhile |
//! | committing | `NotCommitted` | idle | try again soon |
//!
//! `Due` in any other step takes note of what is applied, and settles it later. Any other event changes nothing.

use tidegate_kernel::{Committable, Ledger, PartitionEpoch};
use tidegate_ports::Account;

/// What happened in a partition.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Event<'a> {
    /// The record at this offset was read.
    Read(i64),
    /// These records are saved, or their dead letters acknowledged; in log order. The account counts them all.
    Applied { offsets: &'a [i64], account: Account },
    /// What is applied is to be settled.
    Due,
    /// The account is durable.
    Settled,
    /// The offset is committed.
    Committed,
    /// The log did not take the commit.
    NotCommitted,
}

/// What is to be done next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Action {
    /// Settle this account, then say [`Event::Settled`].
    Settle(Account),
    /// Commit this offset, then say [`Event::Committed`] or [`Event::NotCommitted`].
    Commit(Committable),
    /// Say [`Event::Due`] after the usual pause, so that batches share a settlement.
    SettleSoon,
    /// Say [`Event::Due`] once the log has had a moment.
    RetrySoon,
}

/// Proof that an offset may be committed once this account is settled: everything before the offset is saved, and the
/// account counts it.
#[derive(Clone, Copy, Debug)]
struct Saved {
    committable: Committable,
    account: Account,
}

#[derive(Clone, Copy, Debug)]
enum Step {
    Idle,
    Settling(Saved),
    Committing(Saved),
}

/// How far one assignment of a partition is.
#[derive(Clone, Debug)]
pub(crate) struct Progress {
    of: PartitionEpoch,
    ledger: Ledger,
    /// The account of the last batch applied.
    account: Option<Account>,
    /// Applied, and to be settled next; the newest covers all before it.
    waiting: Option<Saved>,
    step: Step,
    /// The next offset after what was committed, or the first offset read.
    committed_to: Option<i64>,
    /// The next offset after what was applied.
    applied_to: Option<i64>,
}

impl Progress {
    pub fn new(of: PartitionEpoch) -> Self {
        let mut ledger = Ledger::default();
        ledger.assign(of);
        Progress { of, ledger, account: None, waiting: None, step: Step::Idle, committed_to: None, applied_to: None }
    }

    /// Takes what happened; returns what is to be done about it.
    pub fn on(&mut self, event: Event<'_>) -> Option<Action> {
        match (event, self.step) {
            (Event::Read(offset), _) => {
                self.ledger.read(self.of, offset);
                self.committed_to.get_or_insert(offset);
                None
            }
            (Event::Applied { offsets, account }, _) => {
                let last = offsets.last()?;
                offsets.iter().for_each(|offset| self.ledger.done(self.of, *offset));
                (self.account, self.applied_to) = (Some(account), Some(last + 1));
                Some(Action::SettleSoon)
            }
            (Event::Due, step) => {
                self.gather();
                let saved = self.waiting.filter(|_| matches!(step, Step::Idle))?;
                (self.waiting, self.step) = (None, Step::Settling(saved));
                Some(Action::Settle(saved.account))
            }
            (Event::Settled, Step::Settling(saved)) => {
                self.step = Step::Committing(saved);
                Some(Action::Commit(saved.committable))
            }
            (Event::Committed, Step::Committing(saved)) => {
                self.step = Step::Idle;
                self.committed_to = Some(saved.committable.next_offset());
                self.waiting.map(|_| Action::SettleSoon)
            }
            (Event::NotCommitted, Step::Committing(saved)) => {
                self.step = Step::Idle;
                // A newer one covers it.
                self.waiting.get_or_insert(saved);
                Some(Action::RetrySoon)
            }
            (Event::Settled | Event::Committed | Event::NotCommitted, _) => None,
        }
    }

    /// Takes from the ledger what may be committed once the account is settled.
    fn gather(&mut self) {
        let covered =
            |committable: &Committable| self.account.filter(|account| account.next_offset >= committable.next_offset());
        for committable in self.ledger.take_committable() {
            if let Some(account) = covered(&committable) {
                self.waiting = Some(Saved { committable, account });
            }
        }
    }

    /// Whether something is being settled or committed, or waits for it.
    pub fn is_settling(&self) -> bool {
        self.waiting.is_some() || !matches!(self.step, Step::Idle)
    }

    /// Records read and not part of the applied prefix.
    pub fn open(&self) -> usize {
        self.ledger.open()
    }

    /// Records applied and not committed.
    pub fn uncommitted(&self) -> usize {
        let behind = self.applied_to.zip(self.committed_to).map_or(0, |(applied, committed)| applied - committed);
        usize::try_from(behind).unwrap_or(0)
    }

    /// The next offset after what was committed, or the first offset read.
    pub const fn committed_to(&self) -> Option<i64> {
        self.committed_to
    }
}

#[cfg(test)]
mod tests;
