//! Which run covers which slot, and what became of each slot, for one agent.
//!
//! All of it is a function of openings, of the history of definitions and pauses, and of doubt. [`Coverage::advance`] goes
//! through them in the order of time, up to an instant before which nothing can arrive any more. How far each step
//! goes, and in which order records of different runs arrive, makes no difference.

use std::collections::VecDeque;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use tidegate_agentping::{FinishStatus, RunId};
use tidegate_kernel::Timestamp;

use crate::definition::Definition;
use crate::doubt::{DoubtReason, Doubts};
use crate::runs::{OpenedRun, RunLimit, SlotOutcome, covered_outcome};
use crate::slots::Slot;

mod history;
mod past;
mod segment;
mod thinning;

pub use history::ScheduleChange;

use past::Past;
use segment::Segment;
use thinning::thin_out;

/// What a slot's definition says about incidents.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SlotRule {
    pub alert_after: u16,
    pub recover_after: u16,
    pub unknown_alerts: bool,
}

impl SlotRule {
    fn of(definition: &Definition) -> Self {
        let Definition { alert_after, recover_after, unknown_alerts, .. } = *definition;
        SlotRule { alert_after, recover_after, unknown_alerts }
    }
}

/// What became of a slot, or what has changed about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SlotDecision {
    pub slot: Slot,
    pub outcome: SlotOutcome,
    /// The run that covers it.
    pub run: Option<RunId>,
    /// With `unknown`; none where only the clock's change makes it unknown.
    pub reason: Option<DoubtReason>,
    /// With `ok_late`: how many slots after this one are missed.
    pub missed_after: u32,
    /// When it became true: the deadline, the slot's own time, or the receipt of the run. Of the end of a run it is the slot's
    /// own time, since an end changes no incident of a schedule.
    pub decided_at: Timestamp,
    /// Of the definition that was in force at the slot. None with the end of a run, and of a slot that was decided once
    /// the schedule was removed or switched off: it changes no incident.
    pub rule: Option<SlotRule>,
    /// The slot was decided before, and only the end of its run, or a late one, colours it.
    pub is_amendment: bool,
}

/// The state of one agent. Without a schedule it is small and needs no memory of its own.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Coverage {
    /// Definitions whose slots are not all decided, the oldest first; the last one is in force.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    segments: Vec<Segment>,
    /// Openings that are not matched yet, in their order.
    #[serde(default, skip_serializing_if = "VecDeque::is_empty")]
    waiting: VecDeque<OpenedRun>,
    /// Changes that do not hold yet, in their order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    changes: Vec<(Timestamp, ScheduleChange)>,
    /// The last opening that covers nothing: it may cover the first slot of the next definition.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    spare: Option<OpenedRun>,
    /// Runs that have not ended, with the slots that they cover.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    running: Vec<(RunId, Slot)>,
    /// Slots without a run, which a late one may still turn.
    #[serde(default, skip_serializing_if = "Past::is_empty")]
    past: Past,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    last_opening: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    paused: bool,
    /// When the schedule or the pause last changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    changed_at: Option<Timestamp>,
    /// How long runs may take, by the last changes of it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    limits: Vec<RunLimit>,
    /// Up to where it has been advanced.
    judged_to: Timestamp,
}

impl Coverage {
    /// Openings that may wait at once. Beyond it a quarter of them covers nothing: those that others are closest around.
    /// The times in which some came stay the same.
    pub const MAX_WAITING: usize = 1_024;
    /// Covered slots whose runs may be open at once. The oldest beyond it stays `open`.
    pub const MAX_RUNNING: usize = 64;

    /// An agent whose last opening was received at `last_opening`, if it ever had one.
    pub fn new(last_opening: Option<Timestamp>) -> Self {
        Coverage { last_opening, ..Coverage::default() }
    }

    /// Whether the agent has had a run.
    pub fn is_seen(&self) -> bool {
        self.last_opening.is_some()
    }

    /// The definition in force, paused or not.
    pub fn definition(&self) -> Option<&Arc<Definition>> {
        self.segments.last().filter(|segment| segment.is_in_force()).map(|segment| &segment.definition)
    }

    /// Whether runs are expected, now or once the agent is resumed: there is a schedule, and it is on.
    pub fn expects_runs(&self) -> bool {
        self.definition().is_some_and(|definition| definition.enabled)
    }

    pub fn is_paused(&self) -> bool {
        self.paused
    }

    /// When the schedule or the pause last changed.
    pub fn changed_at(&self) -> Option<Timestamp> {
        self.changed_at
    }

    /// The oldest slot that is not decided.
    pub fn next_slot(&self) -> Option<Slot> {
        self.segments.iter().find_map(|segment| segment.next)
    }

    /// Up to where slots are decided.
    pub fn judged_to(&self) -> Timestamp {
        self.judged_to
    }

    /// The next instant at which [`Coverage::advance`] has something to do; `None`: only after an opening or a change.
    pub fn next_due(&self) -> Option<Timestamp> {
        let opening = self.waiting.front().map(|opened| opened.received_at);
        let slot = self.segments.iter().filter_map(Segment::due).min();
        opening.into_iter().chain(self.next_change()).chain(slot).min()
    }

    /// When the next change holds that does not hold yet.
    pub(crate) fn next_change(&self) -> Option<Timestamp> {
        self.changes.first().map(|(at, _)| *at)
    }

    /// A run was opened. One that was received in the time that is judged already is matched at once, against what is
    /// left.
    pub fn opened(&mut self, opened: OpenedRun, decide: &mut impl FnMut(SlotDecision)) {
        if opened.received_at <= self.judged_to {
            self.matched(opened, decide);
            return;
        }
        let place = self.waiting.partition_point(|waiting| waiting.order() < opened.order());
        self.waiting.insert(place, opened);
        if self.waiting.len() > Self::MAX_WAITING {
            thin_out(&mut self.waiting, Self::MAX_WAITING / 4);
        }
    }

    /// A replay, appended at `at`, brings the opening of a run. To an agent without a run before it is the first one,
    /// but no slot before `at` is judged for it.
    pub fn opened_again(&mut self, opened: OpenedRun, at: Timestamp, decide: &mut impl FnMut(SlotDecision)) {
        if !self.is_seen() {
            self.note_opening(&opened);
            if let Some(current) = self.in_force_mut() {
                current.begin_at(at);
            }
        }
        self.opened(opened, decide);
    }

    /// A run ended: it colours the slot that it covers.
    pub fn ended(&mut self, run: RunId, status: FinishStatus, decide: &mut impl FnMut(SlotDecision)) {
        let early = self.segments.iter_mut().filter_map(|segment| segment.early.as_mut());
        let unmatched = self.waiting.iter_mut().chain(early).chain(&mut self.spare);
        unmatched.filter(|opened| opened.run == run).for_each(|opened| opened.ended = Some(status));
        if let Some(at) = self.running.iter().position(|(running, _)| *running == run) {
            let (_, slot) = self.running.remove(at);
            let outcome = covered_outcome(Some(status));
            decide(SlotDecision { is_amendment: true, ..decision(slot, outcome, Some(run)) });
        }
    }

    /// Decides what can be decided up to `to`: all openings received until then are known, and all changes and doubts.
    pub fn advance(&mut self, to: Timestamp, doubts: &Doubts<'_>, decide: &mut impl FnMut(SlotDecision)) {
        while let Some(at) = self.next_due().filter(|at| *at <= to) {
            self.judged_to = self.judged_to.max(at);
            // At one instant: what is decided at a slot's own time, openings, deadlines, changes.
            if let Some(index) = self.segments.iter().position(|segment| segment.is_due_at_slot(at)) {
                self.decide_at_slot(index, decide);
            } else if let Some(opened) = self.waiting.pop_front_if(|opened| opened.received_at <= at) {
                self.matched(opened, decide);
            } else if let Some(index) = self.segments.iter().position(|segment| segment.due() == Some(at)) {
                self.decide_uncovered(index, doubts, decide);
            } else {
                let (at, change) = self.changes.remove(0);
                self.change_now(at, change, decide);
            }
        }
        self.judged_to = self.judged_to.max(to);
        if self.waiting.is_empty() && self.waiting.capacity() > 0 {
            // Most agents wait for nothing most of the time.
            self.waiting = VecDeque::new();
        }
    }

    /// The slot of a paused segment is skipped; one that a run covered ahead of its time is covered.
    fn decide_at_slot(&mut self, index: usize, decide: &mut impl FnMut(SlotDecision)) {
        let segment = &mut self.segments[index];
        let Some(slot) = segment.next else { return };
        match segment.early.take() {
            Some(opened) => self.cover(index, slot, opened, decide),
            None => {
                let rule = segment.rule();
                decide(SlotDecision { rule, ..decision(slot, SlotOutcome::Skipped, None) });
                self.step(index, slot);
            }
        }
    }

    fn decide_uncovered(&mut self, index: usize, doubts: &Doubts<'_>, decide: &mut impl FnMut(SlotDecision)) {
        let segment = &self.segments[index];
        let Some(slot) = segment.next else { return };
        let reason = doubts.about(&slot);
        let is_unknown = reason.is_some() || slot.in_gap;
        let outcome = if is_unknown { SlotOutcome::Unknown } else { SlotOutcome::Missed };
        self.past.add(&segment.definition, slot, !is_unknown);
        let rule = segment.rule();
        decide(SlotDecision { reason, rule, decided_at: slot.deadline, ..decision(slot, outcome, None) });
        self.step(index, slot);
    }

    /// Matches an opening: with the oldest open slot whose window holds its arrival, or else with a slot that has been
    /// decided without a run.
    fn matched(&mut self, opened: OpenedRun, decide: &mut impl FnMut(SlotDecision)) {
        let is_first = !self.is_seen();
        self.note_opening(&opened);
        if is_first && let Some(current) = self.in_force_mut() {
            current.begin_at(opened.received_at);
        }
        let open = self.segments.iter().position(|segment| segment.takes(opened.received_at));
        match open.and_then(|index| Some((index, self.segments[index].next?))) {
            Some((index, slot)) if opened.received_at >= slot.at => self.cover(index, slot, opened, decide),
            Some((index, _)) => self.segments[index].early = Some(opened),
            None => {
                if let Some((slot, definition, missed_after)) = self.past.take(&opened) {
                    let late = decision(slot, SlotOutcome::OkLate, Some(opened.run));
                    let rule = Some(SlotRule::of(&definition));
                    decide(SlotDecision {
                        missed_after,
                        rule,
                        decided_at: opened.received_at,
                        is_amendment: true,
                        ..late
                    });
                } else {
                    self.keep_spare(opened);
                }
            }
        }
        // Also where it covers a slot of a former definition.
        if let Some(current) = self.in_force_mut() {
            current.moved_by(opened.received_at);
        }
    }

    fn cover(&mut self, index: usize, slot: Slot, opened: OpenedRun, decide: &mut impl FnMut(SlotDecision)) {
        if opened.ended.is_none() {
            if self.running.len() >= Self::MAX_RUNNING {
                self.running.remove(0);
            }
            self.running.push((opened.run, slot));
        }
        let decided_at = slot.at.max(opened.received_at);
        let rule = self.segments[index].rule();
        decide(SlotDecision { decided_at, rule, ..decision(slot, covered_outcome(opened.ended), Some(opened.run)) });
        let last_opening = self.last_opening.unwrap_or(opened.received_at);
        if !self.segments[index].step_covered(slot, last_opening) {
            self.segments.remove(index);
        }
    }

    fn in_force_mut(&mut self) -> Option<&mut Segment> {
        self.segments.last_mut().filter(|segment| segment.is_in_force())
    }

    fn step(&mut self, index: usize, slot: Slot) {
        if !self.segments[index].step(slot) {
            self.segments.remove(index);
        }
    }

    fn note_opening(&mut self, opened: &OpenedRun) {
        self.last_opening = self.last_opening.max(Some(opened.received_at));
    }

    fn keep_spare(&mut self, opened: OpenedRun) {
        if self.spare.is_none_or(|spare| spare.order() < opened.order()) {
            self.spare = Some(opened);
        }
    }
}

const fn decision(slot: Slot, outcome: SlotOutcome, run: Option<RunId>) -> SlotDecision {
    SlotDecision {
        slot,
        outcome,
        run,
        reason: None,
        missed_after: 0,
        decided_at: slot.at,
        rule: None,
        is_amendment: false,
    }
}
