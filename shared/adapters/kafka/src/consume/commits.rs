//! Offsets that the broker has acknowledged, offsets still to be committed, and whether the broker still has them.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use tidegate_kernel::{Committable, Partition, PartitionEpoch};

/// The commits of one member. Offsets only go forward within an assignment.
#[derive(Default)]
pub struct Commits {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    committed: HashMap<Partition, Committable>,
    owed: HashMap<Partition, Committable>,
}

impl Commits {
    /// Queues a commit; false if the committed or queued offset already covers it.
    pub fn owe(&self, done: Committable) -> bool {
        let mut state = self.state();
        let advances = |known: Option<&Committable>| {
            known.is_none_or(|known| known.partition() != done.partition() || known.next_offset() < done.next_offset())
        };
        let partition = done.partition().partition;
        let is_new = advances(state.committed.get(&partition)) && advances(state.owed.get(&partition));
        if is_new {
            state.owed.insert(partition, done);
        }
        is_new
    }

    /// Records that the broker acknowledged the commit.
    pub fn paid(&self, done: Committable) {
        let mut state = self.state();
        let partition = done.partition().partition;
        state.committed.insert(partition, done);
        if state.owed.get(&partition) == Some(&done) {
            state.owed.remove(&partition);
        }
    }

    /// Commits that the broker has not acknowledged yet.
    pub fn owed(&self) -> Vec<Committable> {
        self.state().owed.values().copied().collect()
    }

    /// Drops the commits of an assignment that has ended: the next owner commits.
    pub fn forget(&self, gone: PartitionEpoch) {
        let mut state = self.state();
        state.committed.retain(|_, done| done.partition() != gone);
        state.owed.retain(|_, done| done.partition() != gone);
    }

    /// Compares the offset read back from the broker with the acknowledged one. If the broker is behind, the commit is
    /// queued again and returned.
    pub fn read_back(&self, partition: Partition, offset: Option<i64>) -> Option<Committable> {
        let mut state = self.state();
        let committed = *state.committed.get(&partition)?;
        if offset.is_some_and(|offset| offset >= committed.next_offset()) {
            return None;
        }
        state.owed.entry(partition).or_insert(committed);
        Some(committed)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether a commit was refused because the group is rebalancing, so that a retry may succeed. (A member that the group
/// has removed is not rebalancing: its next polls report the partitions as lost.)
pub fn is_changing(error: &KafkaError) -> bool {
    use RDKafkaErrorCode as Code;
    matches!(
        error.rdkafka_error_code(),
        Some(
            Code::RebalanceInProgress
                | Code::IllegalGeneration
                | Code::StaleMemberEpoch
                | Code::CoordinatorLoadInProgress
                | Code::CoordinatorNotAvailable
                | Code::NotCoordinator
                | Code::WaitingForCoordinator
        )
    )
}

#[cfg(test)]
mod tests {
    use tidegate_kernel::Ledger;

    use super::*;

    fn done(epoch: u64, next_offset: i64) -> Committable {
        let from = PartitionEpoch { partition: 3, epoch };
        let mut ledger = Ledger::default();
        ledger.assign(from);
        ledger.read(from, next_offset - 1);
        ledger.done(from, next_offset - 1);
        ledger.take_committable()[0]
    }

    #[test]
    fn commits_only_go_forward() {
        let commits = Commits::default();
        assert!(commits.owe(done(1, 5)));
        assert!(!commits.owe(done(1, 5)), "owed already");
        assert!(commits.owe(done(1, 6)));
        commits.paid(done(1, 6));
        assert!(commits.owed().is_empty());
        assert!(!commits.owe(done(1, 6)) && !commits.owe(done(1, 2)), "committed already");
        assert!(commits.owe(done(2, 4)), "a later assignment begins where it begins");
    }

    #[test]
    fn a_commit_that_was_overtaken_does_not_settle_the_later_one() {
        let commits = Commits::default();
        commits.owe(done(1, 5));
        commits.owe(done(1, 7));
        commits.paid(done(1, 5));
        assert_eq!(commits.owed(), [done(1, 7)]);
    }

    #[test]
    fn a_broker_that_forgot_gets_the_commit_again() {
        let commits = Commits::default();
        assert_eq!(commits.read_back(3, Some(0)), None, "nothing was committed by us");
        commits.owe(done(1, 5));
        commits.paid(done(1, 5));
        assert_eq!(commits.read_back(3, Some(5)), None);
        assert_eq!(commits.read_back(3, Some(9)), None);
        assert_eq!(commits.read_back(3, Some(4)), Some(done(1, 5)));
        assert_eq!(commits.owed(), [done(1, 5)]);
        commits.paid(done(1, 5));
        assert_eq!(commits.read_back(3, None), Some(done(1, 5)));
    }

    #[test]
    fn what_is_gone_is_forgotten() {
        let commits = Commits::default();
        commits.owe(done(1, 5));
        commits.paid(done(1, 5));
        commits.owe(done(1, 6));
        commits.forget(done(2, 1).partition());
        assert_eq!(commits.owed(), [done(1, 6)]);
        commits.forget(done(1, 1).partition());
        assert!(commits.owed().is_empty());
        assert_eq!(commits.read_back(3, None), None);
    }
}
