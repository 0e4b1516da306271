//! The ledger: nothing is committed before everything ahead of it is done.

use std::collections::BTreeSet;

use proptest::prelude::*;
use tidegate_kernel::{Ledger, PartitionEpoch};

const FIRST: PartitionEpoch = PartitionEpoch { partition: 0, epoch: 1 };
const SECOND: PartitionEpoch = PartitionEpoch { partition: 0, epoch: 2 };

fn committed(ledger: &mut Ledger) -> Vec<i64> {
    ledger.take_committable().iter().map(|proof| proof.next_offset()).collect()
}

#[test]
fn only_the_contiguous_prefix_is_committable() {
    let mut ledger = Ledger::default();
    ledger.assign(FIRST);
    (10..14).for_each(|offset| ledger.read(FIRST, offset));
    ledger.done(FIRST, 12);
    ledger.done(FIRST, 13);
    assert_eq!(committed(&mut ledger), Vec::<i64>::new());
    ledger.done(FIRST, 10);
    assert_eq!(committed(&mut ledger), [11]);
    ledger.done(FIRST, 11);
    assert_eq!((committed(&mut ledger), committed(&mut ledger)), (vec![14], vec![]));
    assert_eq!(ledger.open(), 0);
}

#[test]
fn a_former_owner_counts_for_nothing() {
    let mut ledger = Ledger::default();
    ledger.assign(FIRST);
    ledger.read(FIRST, 5);
    ledger.assign(SECOND);
    ledger.read(SECOND, 5);
    ledger.done(FIRST, 5);
    ledger.revoke(FIRST);
    assert_eq!(committed(&mut ledger), Vec::<i64>::new());
    ledger.done(SECOND, 5);
    assert_eq!(committed(&mut ledger), [6]);
    ledger.revoke(SECOND);
    ledger.done(SECOND, 6);
    assert_eq!(committed(&mut ledger), Vec::<i64>::new());
}

#[test]
fn a_record_read_again_never_takes_the_commit_back() {
    let mut ledger = Ledger::default();
    ledger.assign(FIRST);
    (0..3).for_each(|offset| ledger.read(FIRST, offset));
    (0..3).for_each(|offset| ledger.done(FIRST, offset));
    assert_eq!(committed(&mut ledger), [3]);
    ledger.read(FIRST, 1);
    ledger.done(FIRST, 1);
    assert_eq!(committed(&mut ledger), Vec::<i64>::new());
}

#[derive(Clone, Copy, Debug)]
enum Step {
    Read,
    Done(prop::sample::Index, bool),
    Reassign,
    Commit,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => Just(Step::Read),
        6 => (any::<prop::sample::Index>(), prop::bool::weighted(0.2)).prop_map(|(which, stale)| Step::Done(which, stale)),
        1 => Just(Step::Reassign),
        2 => Just(Step::Commit),
    ]
}

proptest! {
    /// Against a model that remembers everything: a commit is exactly the first offset not done, and under one
    /// assignment commits only grow.
    #[test]
    fn commits_are_contiguous(steps in prop::collection::vec(step(), 1..200)) {
        let mut ledger = Ledger::default();
        let mut epoch = 1;
        let current = |epoch| PartitionEpoch { partition: 3, epoch };
        ledger.assign(current(epoch));
        // Where the next assignment starts, what this one has read, and what of it is done.
        let (mut start, mut next, mut done) = (0i64, 0i64, BTreeSet::new());
        for step in steps {
            match step {
                Step::Read => {
                    ledger.read(current(epoch), next);
                    next += 1;
                }
                Step::Done(which, stale) if next > start => {
                    let offset = start + which.index((next - start) as usize) as i64;
                    if stale {
                        ledger.done(current(epoch - 1), offset);
                    } else {
                        ledger.done(current(epoch), offset);
                        done.insert(offset);
                    }
                }
                Step::Done(..) => {}
                Step::Reassign => {
                    start = (start..).find(|offset| !done.contains(offset)).unwrap_or(start);
                    epoch += 1;
                    ledger.assign(current(epoch));
                    next = start;
                    done.retain(|offset| *offset < start);
                }
                Step::Commit => {
                    for proof in ledger.take_committable() {
                        let first_open = (0..).find(|offset| !done.contains(offset)).unwrap_or(0);
                        prop_assert_eq!(proof.next_offset(), first_open);
                        prop_assert_eq!(proof.partition(), current(epoch));
                    }
                }
            }
            prop_assert!(ledger.open() as i64 <= next - start);
        }
    }
}
