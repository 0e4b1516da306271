//! When changes of books are due, and when a tick for each was appended last.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::hash::Hash;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tidegate_kernel::Timestamp;
use tokio::sync::Notify;

const FIRST_RETRY_MS: i64 = 1_000;
const LAST_RETRY_MS: i64 = 60_000;
/// A clock that goes back by less is not taken for one that was set.
const SET_BACK_MS: i64 = 1_000;

/// The owners of one partition of whose books something is due.
pub(crate) struct DueTimes<O> {
    owners: HashMap<O, NextTick>,
    /// By when a tick is to be appended.
    order: BTreeSet<(Timestamp, O)>,
    /// The clock when ticks were last asked for.
    asked_at: Timestamp,
    /// Owners that were set while the stored times are still being read; `None`: they are read.
    set_meanwhile: Option<HashSet<O>>,
}

struct NextTick {
    /// As the book has it.
    due: Timestamp,
    at: Timestamp,
    /// Ticks appended that have changed nothing yet.
    ticks: u32,
}

impl NextTick {
    const fn first(due: Timestamp) -> Self {
        NextTick { due, at: due, ticks: 0 }
    }
}

impl<O: Copy + Eq + Hash + Ord> DueTimes<O> {
    /// The stored times are not read yet.
    pub fn unread() -> Self {
        DueTimes {
            owners: HashMap::new(),
            order: BTreeSet::new(),
            asked_at: Timestamp::default(),
            set_meanwhile: Some(HashSet::new()),
        }
    }

    /// As it was saved just now.
    pub fn set(&mut self, owner: O, at: Option<Timestamp>) {
        if let Some(known) = self.owners.remove(&owner) {
            self.order.remove(&(known.at, owner));
        }
        if let Some(at) = at {
            self.owners.insert(owner, NextTick::first(at));
            self.order.insert((at, owner));
        }
        if let Some(meanwhile) = &mut self.set_meanwhile {
            meanwhile.insert(owner);
        }
    }

    /// As the book has it that was loaded just now. The pauses between ticks of what is known already go on.
    pub fn loaded(&mut self, owner: O, at: Option<Timestamp>) {
        if self.owners.get(&owner).map(|known| known.due) != at {
            self.set(owner, at);
        } else if let Some(meanwhile) = &mut self.set_meanwhile {
            meanwhile.insert(owner);
        }
    }

    /// As it was stored before. What was saved or loaded since then is newer.
    pub fn read(&mut self, owner: O, at: Timestamp) {
        let is_newer_known = self.set_meanwhile.as_ref().is_none_or(|meanwhile| meanwhile.contains(&owner));
        if !is_newer_known {
            self.owners.insert(owner, NextTick::first(at));
            self.order.insert((at, owner));
        }
    }

    /// All stored times are read.
    pub fn all_read(&mut self) {
        self.set_meanwhile = None;
    }

    /// Up to `most` owners to append a tick for. If a tick changes nothing, the next one comes after 1 s, 2 s, … 60 s.
    pub fn take(&mut self, now: Timestamp, most: usize) -> Vec<O> {
        if now.plus_millis(SET_BACK_MS) < self.asked_at {
            self.begin_again();
        }
        self.asked_at = now;
        let due: Vec<(Timestamp, O)> =
            self.order.range(..).take_while(|(at, _)| *at <= now).take(most).copied().collect();
        for (at, owner) in &due {
            self.order.remove(&(*at, *owner));
            if let Some(next) = self.owners.get_mut(owner) {
                let pause_ms = FIRST_RETRY_MS.saturating_mul(1 << next.ticks.min(6)).min(LAST_RETRY_MS);
                next.ticks += 1;
                next.at = now.plus_millis(pause_ms);
                self.order.insert((next.at, *owner));
            }
        }
        due.into_iter().map(|(_, owner)| owner).collect()
    }

    /// The clock was set back. Ticks that came too early by it have changed nothing, and the pauses after them end by
    /// the clock as it was: each owner's next tick is when its change is due.
    fn begin_again(&mut self) {
        self.order.clear();
        for (owner, next) in &mut self.owners {
            *next = NextTick::first(next.due);
            self.order.insert((next.at, *owner));
        }
    }

    /// When the next tick is to be appended.
    pub fn next_at(&self) -> Option<Timestamp> {
        self.order.first().map(|(at, _)| *at)
    }
}

/// The due times, as the lane sets them and the clerk takes them.
pub(crate) struct SharedDue<O> {
    times: Mutex<DueTimes<O>>,
    pub changed: Notify,
}

impl<O: Copy + Eq + Hash + Ord> SharedDue<O> {
    /// The stored times are not read yet.
    pub fn unread() -> Self {
        SharedDue { times: Mutex::new(DueTimes::unread()), changed: Notify::new() }
    }

    pub fn times(&self) -> MutexGuard<'_, DueTimes<O>> {
        // Nothing under the lock panics.
        self.times.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn at(seconds: i64) -> Timestamp {
        Timestamp::from_millis(seconds * 1_000)
    }

    #[test]
    fn a_tick_is_due_once_and_then_ever_more_rarely_until_something_changes() {
        let mut due = DueTimes::unread();
        due.set('a', Some(at(10)));
        assert_eq!((due.take(at(9), 5), due.next_at()), (vec![], Some(at(10))));
        let mut ticked = Vec::new();
        for second in 10..=200 {
            ticked.extend(due.take(at(second), 5).into_iter().map(|_| second));
        }
        assert_eq!(ticked, [10, 11, 13, 17, 25, 41, 73, 133, 193]);
        due.set('a', Some(at(200)));
        assert_eq!((due.take(at(200), 5), due.next_at()), (vec!['a'], Some(at(201))));
        due.set('a', None);
        assert_eq!((due.take(at(900), 5), due.next_at()), (vec![], None));
    }

    #[test]
    fn a_clock_that_was_set_back_makes_no_tick_late() {
        let mut due = DueTimes::unread();
        due.set('a', Some(at(1_000)));
        due.set('b', Some(at(9_000)));
        // The clock is an hour ahead: the log's is not, and the tick changes nothing.
        assert_eq!((due.take(at(4_000), 5), due.next_at()), (vec!['a'], Some(at(4_001))));
        // It goes back by a little, as clocks do.
        assert_eq!((due.take(at(3_999), 5), due.next_at()), (vec![], Some(at(4_001))));
        assert_eq!((due.take(at(400), 5), due.next_at()), (vec![], Some(at(1_000))));
        assert_eq!((due.take(at(1_000), 5), due.next_at()), (vec!['a'], Some(at(1_001))));
        assert_eq!(due.take(at(9_000), 5), ['a', 'b']);
    }

    #[test]
    fn a_loaded_book_sets_what_is_not_known_and_repeats_no_tick() {
        let mut due = DueTimes::unread();
        due.loaded('a', None);
        due.loaded('b', Some(at(5)));
        for owner in ['a', 'b', 'c'] {
            due.read(owner, at(3));
        }
        due.all_read();
        assert_eq!(due.take(at(4), 9), ['c'], "what was loaded is newer than what is read");
        assert_eq!((due.take(at(5), 9), due.next_at()), (vec!['b', 'c'], Some(at(6))));
        // A book that is loaded for every tick makes none of them early.
        due.loaded('b', Some(at(5)));
        assert_eq!((due.take(at(5), 9), due.next_at()), (vec![], Some(at(6))));
        due.loaded('b', Some(at(8)));
        due.loaded('c', None);
        assert_eq!((due.take(at(7), 9), due.take(at(8), 9)), (vec![], vec!['b']));
    }

    #[test]
    fn what_was_saved_meanwhile_is_newer_than_what_is_read() {
        let mut due = DueTimes::unread();
        due.set('a', None);
        due.set('b', Some(at(7)));
        for owner in ['a', 'b', 'c'] {
            due.read(owner, at(5));
        }
        due.all_read();
        assert_eq!(due.take(at(5), 9), ['c']);
        assert_eq!(due.take(at(7), 1), ['c'], "a second later, and no more than asked");
        assert_eq!(due.take(at(7), 9), ['b']);
    }
}
