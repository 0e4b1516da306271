//! A definition for as long as it is in force, and the oldest of its slots that is not decided.
//!
//! Slots of one definition are covered and closed in their order: windows begin and end in the order of the slots, so an
//! opening that finds the oldest one's window closed to it finds all others so. One slot is all that is kept.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use tidegate_kernel::Timestamp;

use super::SlotRule;
use crate::definition::Definition;
use crate::runs::OpenedRun;
use crate::slots::{Slot, Timing};

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Segment {
    pub definition: Arc<Definition>,
    /// Since when it is in force: its slots lie after this.
    pub from: Timestamp,
    /// Until when; its slots lie at or before this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    until: Option<Timestamp>,
    /// The oldest slot that is not decided; `None` before the agent's first run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<Slot>,
    /// A run that came in the early part of its window. It counts once the slot's time has come under this definition.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub early: Option<OpenedRun>,
    /// Paused or off: each slot is skipped at its time.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    skips: bool,
    /// The schedule was removed or switched off since.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_removed: bool,
}

impl Segment {
    /// In force from `from` on. Without `last_opening` the agent has had no run, and its slots begin with the first one,
    /// unless the definition says otherwise.
    pub fn begin(definition: Arc<Definition>, from: Timestamp, last_opening: Option<Timestamp>, skips: bool) -> Self {
        let next = match (&definition.timing, last_opening) {
            (_, None) if !definition.start_unseen => None,
            (Timing::Cron { .. }, _) | (Timing::Every { .. }, None) => definition.slot_after(from),
            (Timing::Every { .. }, Some(opening)) => {
                definition.slot_after(opening).filter(|slot| slot.at > from).or_else(|| definition.slot_after(from))
            }
        };
        Segment { definition, from, until: None, next, early: None, skips, is_removed: false }
    }

    /// What its slots say about incidents: nothing once the schedule is removed or switched off.
    pub fn rule(&self) -> Option<SlotRule> {
        (!self.is_removed).then(|| SlotRule::of(&self.definition))
    }

    /// The agent's first run was received: slots begin with the one at or after it. A period begins with it.
    pub fn begin_at(&mut self, received_at: Timestamp) {
        if self.next.is_none() {
            let before = match self.definition.timing {
                Timing::Cron { .. } => received_at.plus_millis(-1),
                Timing::Every { .. } => received_at,
            };
            self.next = self.definition.slot_after(before.max(self.from));
        }
    }

    /// Whether its oldest slot waits for a run, and its window holds this instant.
    pub fn takes(&self, received_at: Timestamp) -> bool {
        !self.skips && self.early.is_none() && self.next.is_some_and(|slot| slot.holds(received_at))
    }

    /// An opening that covers none of its slots, or one of a former definition: for a period, the next slot counts from
    /// it.
    pub fn moved_by(&mut self, received_at: Timestamp) {
        let in_time = self.next.is_some_and(|slot| received_at <= slot.deadline);
        if matches!(self.definition.timing, Timing::Every { .. }) && self.early.is_none() && in_time {
            self.next = self.definition.slot_after(received_at).max_by_time(self.next);
        }
    }

    /// When the oldest slot is decided, unless a run covers it before.
    pub fn due(&self) -> Option<Timestamp> {
        let at_slot = self.skips || self.early.is_some();
        self.next.map(|slot| if at_slot { slot.at } else { slot.deadline })
    }

    /// Whether the slot is decided at its own time, which is this one.
    pub fn is_due_at_slot(&self, at: Timestamp) -> bool {
        (self.skips || self.early.is_some()) && self.next.is_some_and(|slot| slot.at == at)
    }

    /// Goes on to the next slot. Returns whether there may be one.
    pub fn step(&mut self, slot: Slot) -> bool {
        self.next = self.definition.slot_following(slot.at);
        self.keep_to_end()
    }

    /// The same after a covered slot: a period counts from the last opening.
    pub fn step_covered(&mut self, slot: Slot, last_opening: Timestamp) -> bool {
        match self.definition.timing {
            Timing::Cron { .. } => self.step(slot),
            Timing::Every { .. } => {
                self.next = self.definition.slot_after(last_opening);
                self.keep_to_end()
            }
        }
    }

    pub fn is_in_force(&self) -> bool {
        self.until.is_none()
    }

    /// Another definition is in force after `until`. Returns whether a slot is left, and the run that has come ahead of
    /// one that is gone.
    pub fn end(&mut self, until: Timestamp) -> (bool, Option<OpenedRun>) {
        self.until = Some(until);
        let is_left = self.keep_to_end();
        (is_left, if is_left { None } else { self.early.take() })
    }

    fn keep_to_end(&mut self) -> bool {
        let Some(until) = self.until else { return true };
        self.next = self.next.filter(|slot| slot.at <= until);
        self.next.is_some()
    }
}

trait MaxByTime {
    fn max_by_time(self, other: Self) -> Self;
}

impl MaxByTime for Option<Slot> {
    /// The later slot: records may arrive out of order.
    fn max_by_time(self, other: Self) -> Self {
        match (self, other) {
            (Some(one), Some(other)) if one.at < other.at => Some(other),
            (None, other) => other,
            (one, _) => one,
        }
    }
}
