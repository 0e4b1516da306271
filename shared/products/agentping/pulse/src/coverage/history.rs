//! Edits, pauses and removals of a schedule, each from an instant on.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use tidegate_kernel::Timestamp;

use super::segment::Segment;
use super::{Coverage, SlotDecision, decision};
use crate::definition::Definition;
use crate::runs::SlotOutcome;

/// What changes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ScheduleChange {
    /// A schedule is set. The same one again changes nothing.
    Set(Arc<Definition>),
    /// There is no schedule any more.
    Removed,
    Paused,
    Resumed,
}

impl Coverage {
    /// Definitions with undecided slots at once. The oldest beyond it has its slots skipped.
    pub const MAX_SEGMENTS: usize = 16;

    /// From `at` on this holds. Changes are given before anything after `at` is judged.
    pub fn change(&mut self, at: Timestamp, change: ScheduleChange) {
        let at = at.max(self.judged_to);
        let place = self.changes.partition_point(|(before, _)| *before <= at);
        self.changes.insert(place, (at, change));
    }

    pub(super) fn change_now(&mut self, at: Timestamp, change: ScheduleChange, decide: &mut impl FnMut(SlotDecision)) {
        let mut definition = self.definition().cloned();
        match change {
            ScheduleChange::Set(same) if definition.as_ref() == Some(&same) => return,
            ScheduleChange::Set(new) => definition = Some(new),
            ScheduleChange::Removed => definition = None,
            ScheduleChange::Paused if self.paused => return,
            ScheduleChange::Resumed if !self.paused => return,
            ScheduleChange::Paused => self.paused = true,
            ScheduleChange::Resumed => self.paused = false,
        }
        self.changed_at = Some(at);
        self.end_current(at);
        let Some(definition) = definition else {
            self.segments.iter_mut().for_each(|segment| segment.is_removed = true);
            return;
        };
        let skips = self.paused || !definition.enabled;
        let mut segment = Segment::begin(definition, at, self.last_opening, skips);
        if let Some(spare) = self.spare
            && segment.takes(spare.received_at)
        {
            segment.early = self.spare.take();
        }
        self.segments.push(segment);
        if self.segments.len() > Self::MAX_SEGMENTS {
            self.skip_oldest(decide);
        }
    }

    /// After a removal none is in force, and the last segment has its end already.
    fn end_current(&mut self, at: Timestamp) {
        let Some(mut current) = self.segments.pop_if(|last| last.is_in_force()) else { return };
        let (is_left, released) = current.end(at);
        if let Some(released) = released {
            self.keep_spare(released);
        }
        if is_left {
            self.segments.push(current);
        }
    }

    fn skip_oldest(&mut self, decide: &mut impl FnMut(SlotDecision)) {
        let mut oldest = self.segments.remove(0);
        while let Some(slot) = oldest.next {
            decide(decision(slot, SlotOutcome::Skipped, None));
            if !oldest.step(slot) {
                break;
            }
        }
    }
}
