//! What a team has set about an agent, as changes in time: schedules, pauses, deletion.
//!
//! An operator's change holds from the instant at which it is made, and can be read a moment later. So what holds up to some
//! time ago does not change any more, and each change is given once, in its order. One that could not be read for longer
//! than that is given when it is found.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use tidegate_agentping::Slug;
use tidegate_agentping_pulse::{Definition, ScheduleChange};
use tidegate_agentping_settings::{PauseSpan, TeamSettings};
use tidegate_kernel::Timestamp;

/// A change can be read so long after the instant from which it holds, in milliseconds.
pub const SETTLED_AFTER_MS: i64 = 20_000;
/// An agent is kept for so long after its deletion, in milliseconds: as long as its slots are, which a late run may turn.
const KEPT_AFTER_DELETION_MS: i64 = 30 * 86_400_000;

/// Which changes of an agent have been given.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Given {
    /// All up to here.
    to: Timestamp,
    /// The last change of the schedule.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    schedule: Option<Timestamp>,
    /// Whether the last change of a pause paused.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    is_paused: bool,
    /// The agent's last deletion.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    deletion: Option<Timestamp>,
}

/// Changes in the order of time.
pub type Changes = Vec<(Timestamp, ScheduleChange)>;

impl Given {
    /// What holds at `at`, as changes of an agent of which nothing is known.
    pub fn begin(settings: &TeamSettings, agent: &Slug, at: Timestamp) -> (Given, Changes) {
        let set = schedule_changes(settings, agent).filter(|(from, _)| *from <= at).last();
        let is_paused = is_paused(settings, agent, at);
        let deletion = deleted_at(settings, agent).filter(|deleted| *deleted <= at);
        let given = Given { to: at, schedule: set.as_ref().map(|(from, _)| *from), is_paused, deletion };
        let paused = is_paused.then_some(ScheduleChange::Paused);
        let set = set.map(|(_, change)| change).filter(|change| *change != ScheduleChange::Removed);
        (given, paused.into_iter().chain(set).map(|change| (at, change)).collect())
    }

    /// The changes up to `to` that are not given yet, and notes that they are.
    pub fn take(&mut self, settings: &TeamSettings, agent: &Slug, to: Timestamp) -> Changes {
        let is_new = |from: Timestamp| self.schedule.is_none_or(|last| from > last) && from <= to;
        let mut changes: Changes = schedule_changes(settings, agent).filter(|(from, _)| is_new(*from)).collect();
        self.schedule = changes.last().map(|(from, _)| *from).or(self.schedule);
        let mut instants: Vec<Timestamp> = pause_instants(settings, agent).collect();
        instants.retain(|at| self.to < *at && *at <= to);
        instants.push(self.to);
        instants.sort_unstable();
        for at in instants {
            let is_paused = is_paused(settings, agent, at);
            if is_paused != self.is_paused {
                self.is_paused = is_paused;
                changes.push((at, if is_paused { ScheduleChange::Paused } else { ScheduleChange::Resumed }));
            }
        }
        self.to = self.to.max(to);
        changes.sort_by_key(|(at, _)| *at);
        changes
    }

    /// When the agent was deleted, if it was up to `to` and this is not given yet, and notes that it is.
    pub fn take_deletion(&mut self, settings: &TeamSettings, agent: &Slug, to: Timestamp) -> Option<Timestamp> {
        let at = deleted_at(settings, agent).filter(|at| *at <= to && self.deletion < Some(*at))?;
        self.deletion = Some(at);
        Some(at)
    }

    /// Whether the agent was deleted at `at` or since.
    pub fn is_deleted(&self, at: Timestamp) -> bool {
        self.deletion.is_some_and(|deletion| at <= deletion)
    }

    /// The agent's deletion, if it is given and still holds.
    pub fn deletion(&self, settings: &TeamSettings, agent: &Slug) -> Option<Timestamp> {
        deleted_at(settings, agent).filter(|at| self.deletion == Some(*at))
    }

    /// When the next change comes, as far as is known.
    pub fn next(&self, settings: &TeamSettings, agent: &Slug) -> Option<Timestamp> {
        let is_new = |from: &Timestamp| self.schedule.is_none_or(|last| *from > last);
        let schedule = schedule_instants(settings, agent).filter(is_new);
        let pauses = pause_instants(settings, agent).filter(|at| *at > self.to);
        let late = (is_paused(settings, agent, self.to) != self.is_paused).then_some(self.to);
        schedule.chain(pauses).chain(late).min()
    }
}

/// When an agent is forgotten that was deleted, unless it has reported since; `None`: it was not deleted, or a schedule
/// was set again.
pub fn forgotten_at(settings: &TeamSettings, agent: &Slug) -> Option<Timestamp> {
    let deletion = deleted_at(settings, agent)?;
    let is_set_again = schedule_instants(settings, agent).any(|from| from > deletion);
    (!is_set_again).then(|| deletion.plus_millis(KEPT_AFTER_DELETION_MS))
}

/// All changes of the schedule, in the order of time; a deletion is one.
fn schedule_changes(settings: &TeamSettings, agent: &Slug) -> impl Iterator<Item = (Timestamp, ScheduleChange)> {
    let set = settings.schedules.get(agent).into_iter().flat_map(|schedule| &schedule.changes);
    let set = set.map(|change| (change.from, set_or_removed(change.set.as_ref())));
    let deleted = deleted_at(settings, agent).map(|at| (at, ScheduleChange::Removed));
    let mut all: Changes = set.chain(deleted).collect();
    all.sort_by_key(|(from, _)| *from);
    all.into_iter()
}

fn schedule_instants(settings: &TeamSettings, agent: &Slug) -> impl Iterator<Item = Timestamp> {
    let set = settings.schedules.get(agent).into_iter().flat_map(|schedule| &schedule.changes);
    set.map(|change| change.from).chain(deleted_at(settings, agent))
}

fn deleted_at(settings: &TeamSettings, agent: &Slug) -> Option<Timestamp> {
    settings.agents.get(agent).and_then(|agent| agent.deleted_at)
}

fn set_or_removed(set: Option<&Definition>) -> ScheduleChange {
    set.map_or(ScheduleChange::Removed, |set| ScheduleChange::Set(Arc::new(set.clone())))
}

fn spans<'s>(settings: &'s TeamSettings, agent: &Slug) -> impl Iterator<Item = &'s PauseSpan> {
    let own = settings.pauses.get(agent).into_iter().flat_map(|pause| &pause.spans);
    own.chain(&settings.team_pause.spans)
}

fn pause_instants(settings: &TeamSettings, agent: &Slug) -> impl Iterator<Item = Timestamp> {
    spans(settings, agent).flat_map(|span| std::iter::once(span.paused_at).chain(span.ends_at()))
}

fn is_paused(settings: &TeamSettings, agent: &Slug, at: Timestamp) -> bool {
    spans(settings, agent).any(|span| span.holds(at))
}
