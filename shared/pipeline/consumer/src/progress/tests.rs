//! The order by example, and as a rule over any sequence of events.

use std::collections::BTreeMap;

use proptest::prelude::*;
use tidegate_ports::Fate;

use super::*;

const OF: PartitionEpoch = PartitionEpoch { partition: 3, epoch: 7 };

fn account(next_offset: i64) -> Account {
    let mut account = Account::opened(1, OF.partition, 0);
    (0..next_offset).for_each(|offset| account.count(offset, Fate::Stored));
    account
}

fn read(progress: &mut Progress, offsets: std::ops::Range<i64>) {
    offsets.for_each(|offset| assert_eq!(progress.on(Event::Read(offset)), None));
}

fn applied(offsets: &[i64]) -> Event<'_> {
    Event::Applied { offsets, account: account(offsets.last().map_or(0, |last| last + 1)) }
}

fn next_offset(action: Option<Action>) -> Option<(&'static str, i64)> {
    match action? {
        Action::Settle(account) => Some(("settle", account.next_offset)),
        Action::Commit(committable) => Some(("commit", committable.next_offset())),
        Action::SettleSoon => Some(("settle soon", 0)),
        Action::RetrySoon => Some(("retry soon", 0)),
    }
}

/// One partition through every row of the table.
#[test]
fn save_then_settle_then_commit() {
    let mut progress = Progress::new(OF);
    read(&mut progress, 0..6);
    for (event, expected) in [
        (Event::Due, None),
        (Event::Settled, None),
        (Event::Committed, None),
        (applied(&[0, 1]), Some(("settle soon", 0))),
        (Event::Settled, None),
        (Event::Due, Some(("settle", 2))),
        // One at a time: what is applied meanwhile waits.
        (applied(&[2]), Some(("settle soon", 0))),
        (Event::Due, None),
        (Event::Committed, None),
        (Event::Settled, Some(("commit", 2))),
        (Event::Settled, None),
        (Event::Due, None),
        (Event::Committed, Some(("settle soon", 0))),
        (Event::Due, Some(("settle", 3))),
        (Event::Settled, Some(("commit", 3))),
        (Event::NotCommitted, Some(("retry soon", 0))),
        (Event::Due, Some(("settle", 3))),
        // Not even all of a batch: what is halted after its first record.
        (applied(&[3]), Some(("settle soon", 0))),
        (applied(&[]), None),
        (Event::Settled, Some(("commit", 3))),
        // A newer one covers what was not committed.
        (Event::Due, None),
        (Event::NotCommitted, Some(("retry soon", 0))),
        (Event::Due, Some(("settle", 4))),
        (Event::Settled, Some(("commit", 4))),
        (Event::Committed, None),
        (Event::Due, None),
    ] {
        assert_eq!(next_offset(progress.on(event)), expected, "{event:?}");
    }
    assert_eq!((progress.open(), progress.uncommitted(), progress.committed_to()), (2, 0, Some(4)));
    assert!(!progress.is_settling());
}

/// An account that does not cover an offset does not let it be committed.
#[test]
fn what_no_account_counts_is_not_committed() {
    let mut progress = Progress::new(OF);
    read(&mut progress, 0..2);
    progress.on(Event::Applied { offsets: &[0, 1], account: account(1) });
    assert_eq!(progress.on(Event::Due), None);
}

#[derive(Clone, Copy, Debug)]
enum Input {
    Read,
    /// The next records that were read; at most so many.
    Applied(usize),
    Due,
    Settled,
    Committed,
    NotCommitted,
}

fn input() -> impl Strategy<Value = Input> {
    prop_oneof![
        4 => Just(Input::Read),
        3 => (0..4usize).prop_map(Input::Applied),
        3 => Just(Input::Due),
        3 => Just(Input::Settled),
        2 => Just(Input::Committed),
        1 => Just(Input::NotCommitted),
    ]
}

/// What the world knows: filled in by what is done, never by what the machine says of itself.
#[derive(Default)]
struct World {
    read_to: i64,
    saved_to: i64,
    settling: Option<i64>,
    settled_to: i64,
    committing: Option<i64>,
    committed_to: i64,
}

impl World {
    fn play(&mut self, progress: &mut Progress, input: Input) {
        let action = match input {
            Input::Read => {
                self.read_to += 1;
                progress.on(Event::Read(self.read_to - 1))
            }
            Input::Applied(most) => {
                let offsets: Vec<i64> = (self.saved_to..self.read_to).take(most).collect();
                self.saved_to += offsets.len() as i64;
                progress.on(Event::Applied { offsets: &offsets, account: account(self.saved_to) })
            }
            Input::Due => progress.on(Event::Due),
            Input::Settled => {
                self.settled_to = self.settling.take().unwrap_or(self.settled_to);
                progress.on(Event::Settled)
            }
            Input::Committed => {
                self.committed_to = self.committing.take().unwrap_or(self.committed_to);
                progress.on(Event::Committed)
            }
            Input::NotCommitted => {
                self.committing = None;
                progress.on(Event::NotCommitted)
            }
        };
        match action {
            Some(Action::Settle(account)) => {
                assert!(account.next_offset <= self.saved_to, "settles what is not saved");
                assert!(self.settling.is_none() && self.committing.is_none(), "one at a time");
                self.settling = Some(account.next_offset);
            }
            Some(Action::Commit(committable)) => {
                assert!(committable.next_offset() <= self.settled_to, "commits what is not settled");
                assert!(committable.next_offset() >= self.committed_to, "a commit goes back");
                self.committing = Some(committable.next_offset());
            }
            Some(Action::SettleSoon | Action::RetrySoon) | None => {}
        }
    }
}

proptest! {
    #[test]
    fn nothing_is_settled_unsaved_or_committed_unsettled(inputs in prop::collection::vec(input(), 0..80)) {
        let (mut progress, mut world) = (Progress::new(OF), World::default());
        for input in inputs {
            world.play(&mut progress, input);
            prop_assert_eq!(progress.open() as i64, world.read_to - world.saved_to);
            prop_assert_eq!(progress.uncommitted() as i64, world.saved_to.max(world.committed_to) - world.committed_to);
        }
        // And it comes to its end: all that was read is committed.
        let rest = usize::try_from(world.read_to - world.saved_to).expect("not negative");
        world.play(&mut progress, Input::Applied(rest));
        for _ in 0..3 {
            for input in [Input::Committed, Input::Due, Input::Settled, Input::Committed] {
                world.play(&mut progress, input);
            }
        }
        prop_assert_eq!(world.committed_to, world.read_to);
        prop_assert!(!progress.is_settling());
    }
}

/// Offsets that are done out of order are committed without a gap.
#[test]
fn a_gap_holds_back_what_comes_after_it() {
    let mut progress = Progress::new(OF);
    read(&mut progress, 0..3);
    progress.on(Event::Applied { offsets: &[1, 2], account: account(3) });
    assert_eq!(progress.on(Event::Due), None);
    progress.on(Event::Applied { offsets: &[0], account: account(3) });
    let steps: BTreeMap<_, _> =
        [Event::Due, Event::Settled].map(|event| next_offset(progress.on(event))).into_iter().flatten().collect();
    assert_eq!(steps, BTreeMap::from([("settle", 3), ("commit", 3)]));
}
