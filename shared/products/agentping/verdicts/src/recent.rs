//! The latest of an agent at a glance: its last slots, and how long its successful runs took. It is kept with the agent's
//! standing, so that the agents of a team are read at once.

use serde::{Deserialize, Serialize};
use tidegate_agentping_pulse::{DoubtReason, SlotOutcome};
use tidegate_kernel::Timestamp;

use crate::slots::SlotDoc;

/// A slot without its run and its incident.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecentSlot {
    #[serde(rename = "t")]
    pub at: Timestamp,
    #[serde(rename = "o")]
    pub outcome: SlotOutcome,
    /// With `unknown`.
    #[serde(rename = "r", default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<DoubtReason>,
}

/// The last slots and durations.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecentDoc {
    /// Oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    slots: Vec<RecentSlot>,
    /// Of runs that succeeded, in milliseconds, oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    durations_ms: Vec<u64>,
}

impl RecentDoc {
    /// Slots that are kept.
    pub const SLOTS: usize = 30;
    /// Durations that are kept.
    pub const DURATIONS: usize = 31;

    /// Takes in a slot as it was decided last. A slot that was forgotten does not come back.
    pub fn note_slot(&mut self, slot: &SlotDoc) {
        let SlotDoc { at, outcome, reason, .. } = *slot;
        let noted = RecentSlot { at, outcome, reason };
        match self.slots.binary_search_by_key(&at, |one| one.at) {
            Ok(place) => self.slots[place] = noted,
            Err(0) if self.slots.len() == Self::SLOTS => {}
            Err(place) => self.slots.insert(place, noted),
        }
        let over = self.slots.len().saturating_sub(Self::SLOTS);
        self.slots.drain(..over);
    }

    /// What is known of the slot at this time.
    pub fn outcome_at(&self, at: Timestamp) -> Option<SlotOutcome> {
        let place = self.slots.binary_search_by_key(&at, |one| one.at).ok()?;
        Some(self.slots[place].outcome)
    }

    /// Takes in how long a run took that has succeeded.
    pub fn note_duration(&mut self, duration_ms: u64) {
        self.durations_ms.push(duration_ms);
        let over = self.durations_ms.len().saturating_sub(Self::DURATIONS);
        self.durations_ms.drain(..over);
    }

    /// The slots, oldest first.
    pub fn slots(&self) -> &[RecentSlot] {
        &self.slots
    }

    /// Half of the runs took no longer, in milliseconds; `None` before the first.
    pub fn median_ms(&self) -> Option<u64> {
        let mut sorted = self.durations_ms.clone();
        sorted.sort_unstable();
        sorted.get(sorted.len().saturating_sub(1) / 2).copied()
    }

    pub fn is_empty(&self) -> bool {
        self.slots.is_empty() && self.durations_ms.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn slot(at: i64, outcome: SlotOutcome) -> SlotDoc {
        let (at, deadline) = (Timestamp::from_millis(at), Timestamp::from_millis(at + 1));
        SlotDoc { at, deadline, outcome, run: None, reason: None, incident: None }
    }

    #[test]
    fn the_last_slots_are_kept_in_their_order() {
        let mut recent = RecentDoc::default();
        for at in (0..40).rev() {
            recent.note_slot(&slot(at, SlotOutcome::Missed));
        }
        let kept = |recent: &RecentDoc| recent.slots().iter().map(|slot| slot.at.as_millis()).collect::<Vec<_>>();
        assert_eq!(kept(&recent), (10..40).collect::<Vec<_>>());
        recent.note_slot(&slot(9, SlotOutcome::Ok));
        assert_eq!(kept(&recent)[0], 10, "one that was forgotten does not come back");
        recent.note_slot(&slot(20, SlotOutcome::OkLate));
        assert_eq!((recent.slots().len(), recent.slots()[10].outcome), (30, SlotOutcome::OkLate));
        recent.note_slot(&slot(41, SlotOutcome::Ok));
        assert_eq!((kept(&recent)[0], kept(&recent)[29]), (11, 41));
    }

    #[test]
    fn half_of_the_runs_took_no_longer_than_the_median() {
        let mut recent = RecentDoc::default();
        assert_eq!(recent.median_ms(), None);
        for (duration, median) in [(50, 50), (10, 10), (30, 30), (70, 30)] {
            recent.note_duration(duration);
            assert_eq!(recent.median_ms(), Some(median));
        }
        (0..RecentDoc::DURATIONS).for_each(|_| recent.note_duration(7));
        assert_eq!((recent.durations_ms.len(), recent.median_ms()), (RecentDoc::DURATIONS, Some(7)));
    }

    #[test]
    fn it_is_read_as_it_was_written() {
        let mut recent = RecentDoc::default();
        recent.note_slot(&SlotDoc { reason: Some(DoubtReason::Canary), ..slot(5, SlotOutcome::Unknown) });
        recent.note_duration(3);
        let text = serde_json::to_string(&recent).unwrap();
        assert_eq!(text, r#"{"slots":[{"t":5,"o":"unknown","r":"canary"}],"durations_ms":[3]}"#);
        assert_eq!(serde_json::from_str::<RecentDoc>(&text).unwrap(), recent);
        assert_eq!(serde_json::from_str::<RecentDoc>("{}").unwrap(), RecentDoc::default());
    }
}
