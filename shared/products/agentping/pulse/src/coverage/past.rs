//! Slots that were decided without a run, as stretches of neighbours, so that a run that arrives late finds its own.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use tidegate_kernel::Timestamp;

use crate::definition::Definition;
use crate::runs::OpenedRun;
use crate::slots::Slot;

/// Neighbouring slots of one definition with one outcome.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Stretch {
    definition: Arc<Definition>,
    first: Slot,
    last: Slot,
    count: u32,
    /// Missed; otherwise unknown.
    missed: bool,
}

/// The latest of them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct Past(Vec<Stretch>);

impl Past {
    const MAX_STRETCHES: usize = 8;
    /// Slots of one stretch: a day of minutes.
    const MAX_SLOTS: u32 = 1_440;

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// A slot was decided, after all those that are here.
    pub fn add(&mut self, definition: &Arc<Definition>, slot: Slot, missed: bool) {
        if let Some(stretch) = self.0.last_mut()
            && stretch.missed == missed
            && (Arc::ptr_eq(&stretch.definition, definition) || stretch.definition == *definition)
            && definition.slot_following(stretch.last.at).is_some_and(|next| next.at == slot.at)
        {
            stretch.last = slot;
            stretch.count += 1;
            if stretch.count > Self::MAX_SLOTS
                && let Some(second) = definition.slot_following(stretch.first.at)
            {
                stretch.first = second;
                stretch.count -= 1;
            }
            return;
        }
        if self.0.len() >= Self::MAX_STRETCHES {
            self.0.remove(0);
        }
        self.0.push(Stretch { definition: definition.clone(), first: slot, last: slot, count: 1, missed });
    }

    /// Takes out the oldest slot whose window holds the run's start, or else its arrival; its definition; and how many
    /// missed slots there are after it.
    pub fn take(&mut self, opened: &OpenedRun) -> Option<(Slot, Arc<Definition>, u32)> {
        let instants = opened.started_at.into_iter().chain([opened.received_at]);
        let found = |instant| self.0.iter().enumerate().find_map(|(at, stretch)| Some((at, stretch.find(instant)?)));
        let (at, (slot, before)) = instants.filter_map(found).next()?;
        let definition = self.0[at].definition.clone();
        self.split(at, slot, before);
        let after = self.0.iter().filter(|stretch| stretch.missed && stretch.first.at > slot.at);
        Some((slot, definition, after.map(|stretch| stretch.count).sum()))
    }

    /// Takes a slot out of a stretch, in which so many come before it.
    fn split(&mut self, at: usize, slot: Slot, before: u32) {
        let stretch = self.0.remove(at);
        let after = stretch.count - before - 1;
        let next = (after > 0).then(|| stretch.definition.slot_following(slot.at)).flatten();
        if let Some(first) = next {
            self.0.insert(at, Stretch { first, count: after, ..stretch.clone() });
        }
        if before > 0
            && let Some(last) = stretch.nth(before - 1)
        {
            self.0.insert(at, Stretch { last, count: before, ..stretch });
        }
        if self.0.len() > Self::MAX_STRETCHES {
            self.0.remove(0);
        }
    }
}

impl Stretch {
    fn slots(&self) -> impl Iterator<Item = Slot> {
        let next = |slot: &Slot| self.definition.slot_following(slot.at);
        std::iter::successors(Some(self.first), next).take(self.count as usize)
    }

    fn nth(&self, index: u32) -> Option<Slot> {
        self.slots().nth(index as usize)
    }

    /// The oldest slot whose window holds this instant, and how many come before it.
    fn find(&self, instant: Timestamp) -> Option<(Slot, u32)> {
        if instant < self.first.window_from || instant > self.last.deadline {
            return None;
        }
        let (before, slot) = self.slots().enumerate().find(|(_, slot)| slot.deadline >= instant)?;
        slot.holds(instant).then_some((slot, before as u32))
    }
}
