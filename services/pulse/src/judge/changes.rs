//! What a team has set about an agent, as changes in time: schedules, pauses, deletion.
//!
//! An operator's change holds from the instant at which it is made, and the judge is always behind that. So what holds up
//! to where the judge is does not change any more, and each change can be given once, when its time has come.

use std::sync::Arc;

use tidegate_agentping::Slug;
use tidegate_agentping_pulse::ScheduleChange;
use tidegate_agentping_settings::{PauseSpan, TeamSettings};
use tidegate_kernel::Timestamp;

/// Changes in the order of time.
pub type Changes = Vec<(Timestamp, ScheduleChange)>;

/// The changes after `from`, up to `to`.
pub fn between(settings: &TeamSettings, agent: &Slug, from: Timestamp, to: Timestamp) -> Changes {
    let within = |at: Timestamp| from < at && at <= to;
    let mut changes: Changes = Vec::new();
    if let Some(schedule) = settings.schedules.get(agent) {
        let set = schedule.changes.iter().filter(|change| within(change.from));
        changes.extend(set.map(|change| (change.from, set_or_removed(change.set.as_ref()))));
    }
    let deleted = settings.agents.get(agent).and_then(|agent| agent.deleted_at);
    changes.extend(deleted.filter(|at| within(*at)).map(|at| (at, ScheduleChange::Removed)));
    let mut instants: Vec<Timestamp> = pause_instants(settings, agent).filter(|at| within(*at)).collect();
    instants.sort_unstable();
    instants.dedup();
    for at in instants {
        let is_paused = is_paused(settings, agent, at);
        if is_paused != self::is_paused(settings, agent, at.plus_millis(-1)) {
            changes.push((at, if is_paused { ScheduleChange::Paused } else { ScheduleChange::Resumed }));
        }
    }
    changes.sort_by_key(|(at, _)| *at);
    changes
}

/// What holds at `at`, as changes of an agent of which nothing is known.
pub fn in_force(settings: &TeamSettings, agent: &Slug, at: Timestamp) -> Changes {
    let schedule = settings.schedules.get(agent);
    let set = schedule.and_then(|schedule| schedule.changes.iter().rev().find(|change| change.from <= at));
    let deleted_at = settings.agents.get(agent).and_then(|agent| agent.deleted_at).filter(|deleted| *deleted <= at);
    let set = set.filter(|change| deleted_at.is_none_or(|deleted| deleted < change.from));
    let set = set.and_then(|change| change.set.as_ref());
    let paused = is_paused(settings, agent, at).then_some(ScheduleChange::Paused);
    paused.into_iter().chain(set.map(|set| set_or_removed(Some(set)))).map(|change| (at, change)).collect()
}

/// When the next change after `after` comes, as far as is known.
pub fn next_after(settings: &TeamSettings, agent: &Slug, after: Timestamp) -> Option<Timestamp> {
    let schedule = settings.schedules.get(agent).into_iter().flat_map(|schedule| &schedule.changes);
    let deleted = settings.agents.get(agent).and_then(|agent| agent.deleted_at);
    let instants = schedule.map(|change| change.from).chain(deleted).chain(pause_instants(settings, agent));
    instants.filter(|at| *at > after).min()
}

fn set_or_removed(set: Option<&tidegate_agentping_pulse::Definition>) -> ScheduleChange {
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
