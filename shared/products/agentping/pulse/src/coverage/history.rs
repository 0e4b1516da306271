//! Edits, pauses and removals of a schedule, each from an instant on.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use tidegate_kernel::Timestamp;

use super::segment::Segment;
use super::{Coverage, SlotDecision, decision};
use crate::definition::Definition;
use crate::runs::{RunLimit, SlotOutcome};

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

/// A definition, and whether the agent is paused.
type InForce<'c> = (Option<&'c Arc<Definition>>, bool);

impl ScheduleChange {
    /// What is in force after this change.
    fn after<'c>(&'c self, (definition, is_paused): InForce<'c>) -> InForce<'c> {
        match self {
            ScheduleChange::Set(set) => (Some(set), is_paused),
            ScheduleChange::Removed => (None, is_paused),
            ScheduleChange::Paused => (definition, true),
            ScheduleChange::Resumed => (definition, false),
        }
    }
}

fn unpaused((definition, is_paused): InForce<'_>) -> Option<&Arc<Definition>> {
    definition.filter(|_| !is_paused)
}

impl Coverage {
    /// Definitions with undecided slots at once. The oldest beyond it has its slots skipped.
    pub const MAX_SEGMENTS: usize = 16;
    /// Limits of runs that are kept. Runs are judged before slots are, but for those of a partition that stands.
    const MAX_LIMITS: usize = 4;

    /// The definition that is in force at `at`, which may not be judged yet; `None` also while the agent is paused. An
    /// earlier one than that up to which slots are decided is not kept.
    pub fn unpaused_definition_at(&self, at: Timestamp) -> Option<&Arc<Definition>> {
        let changes = self.changes.iter().take_while(|(from, _)| *from < at);
        unpaused(changes.fold((self.definition(), self.paused), |before, (_, change)| change.after(before)))
    }

    /// How long runs may take, from the time before the last changes on, as far as changes are known.
    pub fn run_limits(&self) -> Vec<RunLimit> {
        let limit =
            |from, in_force| RunLimit { from, max_runtime_s: unpaused(in_force).and_then(|set| set.max_runtime_s) };
        let mut limits = self.limits.clone();
        let mut in_force = (self.definition(), self.paused);
        if limits.is_empty()
            && let Some(current) = self.segments.last()
        {
            // Of a build that kept none.
            limits.push(limit(current.from, in_force));
        }
        for (from, change) in &self.changes {
            in_force = change.after(in_force);
            limits.push(limit(*from, in_force));
        }
        limits
    }

    fn note_limit(&mut self, from: Timestamp, definition: Option<&Arc<Definition>>) {
        let max_runtime_s = unpaused((definition, self.paused)).and_then(|set| set.max_runtime_s);
        if self.limits.last().and_then(|limit| limit.max_runtime_s) == max_runtime_s {
            return;
        }
        self.limits.push(RunLimit { from, max_runtime_s });
        if self.limits.len() > Self::MAX_LIMITS {
            self.limits.remove(0);
        }
    }

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
        self.note_limit(at, definition.as_ref());
        self.end_current(at);
        if definition.as_ref().is_none_or(|definition| !definition.enabled) {
            self.segments.iter_mut().for_each(|segment| segment.is_removed = true);
        }
        let Some(definition) = definition else { return };
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
