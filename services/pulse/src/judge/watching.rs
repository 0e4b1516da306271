//! One agent as the judge knows it: the state of its rules, and what is needed to feed them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use tidegate_agentping::feed::IdleEnd;
use tidegate_agentping::{AgentId, FeedRow, FinishStatus, RunId, RunStatus, Slug, TeamId};
use tidegate_agentping_ports::FeedEntry;
use tidegate_agentping_ports::registry::agent_id;
use tidegate_agentping_pulse::agent::AgentStanding;
use tidegate_agentping_pulse::incident::IncidentId;
use tidegate_agentping_pulse::watermark::PartitionId;
use tidegate_agentping_pulse::{
    AgentJudge, Alerting, Doubts, EndedRun, IncidentOrigin, Judgement, OpenedRun, RoutePolicy, Slot,
};
use tidegate_agentping_settings::TeamSettings;
use tidegate_agentping_verdicts::{LastRun, RecentDoc, StandingDoc};
use tidegate_kernel::{Timestamp, Usd};

use super::changes::{Given, forgotten_at};
use super::findings::Findings;
use super::open_run::{self, UnendedRun, finish_status};
use super::outbox::RouteChoice;
use super::run_tree::{FailedChild, RunTree};

mod found;

/// An agent.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Watching {
    pub team: TeamId,
    /// Its [key](tidegate_agentping::names): what is set of it is by the name that it has now.
    pub slug: Slug,
    judge: AgentJudge,
    given: Given,
    /// Open runs with what is known of them, the oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    open: Vec<UnendedRun>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    last_opening: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    last_run: Option<LastRun>,
    /// The last runs below its own that failed: each counts once, also if the judge starts again.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    failed_children: Vec<LastRun>,
    /// How it was last shown, and since when.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    state: Option<(AgentStanding, Timestamp)>,
    #[serde(default, skip_serializing_if = "RecentDoc::is_empty")]
    recent: RecentDoc,
    /// What was last written of it.
    #[serde(skip)]
    shown: Option<StandingDoc>,
}

/// What agents are judged by in a turn.
pub struct Bench<'b> {
    /// Up to where slots are judged.
    pub to: Timestamp,
    /// Up to where what is set does not change any more.
    pub settled_to: Timestamp,
    pub doubts: Doubts<'b>,
    pub settings: &'b TeamSettings,
    pub routes: &'b [RouteChoice],
    /// Up to where the runs of each partition are judged, and up to where those of any are.
    pub run_clocks: &'b BTreeMap<PartitionId, Timestamp>,
    pub runs_to: Timestamp,
    /// Up to where the run is judged that a row of the feed ends, and that run.
    pub row_to: Timestamp,
    pub ending: Option<RunId>,
    pub tree: &'b RunTree,
}

impl Bench<'_> {
    fn clock(&self, open: &UnendedRun) -> Timestamp {
        let to = if self.ending == Some(open.run) { self.row_to } else { self.runs_to };
        self.run_clocks.get(&open.partition).copied().unwrap_or(self.to).min(to)
    }
}

/// Runs below its own that are remembered.
const MAX_CHILDREN: usize = 16;

/// When an agent is due: to be judged in the time of slots and in that of runs, and to be forgotten.
#[derive(Clone, Copy, Debug, Default)]
pub struct Dues {
    pub slots: Option<Timestamp>,
    pub runs: Option<Timestamp>,
    pub forget: Option<Timestamp>,
}

impl Watching {
    /// An agent of which nothing is known but its last opening, from `at` on.
    pub fn new(
        team: TeamId,
        slug: Slug,
        last_opening: Option<Timestamp>,
        at: Timestamp,
        settings: &TeamSettings,
    ) -> Self {
        let mut judge = AgentJudge::new(last_opening);
        let (given, changes) = Given::begin(settings, settings.names.name(&slug), at);
        changes.into_iter().for_each(|(from, change)| judge.change(from, change));
        Watching {
            team,
            slug,
            judge,
            given,
            open: Vec::new(),
            last_opening,
            last_run: None,
            failed_children: Vec::new(),
            state: None,
            recent: RecentDoc::default(),
            shown: None,
        }
    }

    pub fn id(&self) -> AgentId {
        agent_id(self.team, &self.slug)
    }

    pub fn judge(&self) -> &AgentJudge {
        &self.judge
    }

    /// When the agent is due.
    pub fn dues(&self, settings: &TeamSettings, routes: &[RouteChoice]) -> Dues {
        let policies: Vec<RoutePolicy<'_>> = routes.iter().map(RouteChoice::policy).collect();
        let judged = self.judge.next_due(&Alerting { agent: self.id(), routes: &policies });
        let change = self.given.next(settings, settings.names.name(&self.slug));
        let slots = judged.into_iter().chain(change).min();
        Dues { slots, runs: self.runs_due(), forget: self.forget_at(settings) }
    }

    /// When nothing of it needs to be known any more: long after its deletion, if it has not reported since and nothing
    /// is open. A record that comes later still is judged by the deletion, which stays set.
    fn forget_at(&self, settings: &TeamSettings) -> Option<Timestamp> {
        let name = settings.names.name(&self.slug);
        let deletion = self.given.deletion(settings, name)?;
        let is_watched = self.judge.runs().iter().any(|open| open.alive_at > deletion);
        let has_reported = is_watched || self.last_opening.is_some_and(|at| at > deletion);
        let is_needed = has_reported || self.open_incidents().next().is_some();
        forgotten_at(settings, name).filter(|_| !is_needed)
    }

    fn runs_due(&self) -> Option<Timestamp> {
        let idle = self.open.iter().filter_map(|open| Some(open.idle?.at)).min();
        idle.into_iter().chain(self.judge.next_run_due()).min()
    }

    /// A row of the feed that is about one of its runs.
    pub fn fed(&mut self, entry: &FeedEntry, bench: &Bench<'_>, findings: &mut Findings) {
        // Failures in a row and stuck runs are judged by the schedule at their own time, which is not judged yet.
        self.take_changes(bench);
        self.end_if_deleted(bench, entry.row.received_at.plus_millis(-1), findings);
        let row = &entry.row;
        // What was due before this record was appended was judged before it, however many records are read at once. A
        // run that it ends is judged now or never.
        let ending = row.did.ended.then_some(row.run);
        let due_to = if ending.is_some() { bench.row_to } else { bench.runs_to };
        if self.runs_due().is_some_and(|due| due <= due_to) {
            self.check_runs(&Bench { ending, ..*bench }, findings);
        }
        // What comes late of an agent that was deleted since opens nothing, as if a replay brought it.
        let is_quiet = row.replayed || self.given.is_deleted(row.received_at);
        let partition = (entry.position.generation, entry.position.partition);
        let status = finish_status(row.status);
        // Messages about this run say how it is.
        let is_newer = self.last_run.is_none_or(|last| last.run == row.run || last.received_at <= row.received_at);
        if is_newer && (row.did.opened || row.did.ended) {
            self.last_run = Some(LastRun { run: row.run, status: row.status, received_at: row.received_at });
        }
        let ended = status.filter(|_| row.did.ended && !row.replayed);
        let failed =
            ended.and_then(|status| bench.tree.failed(self.team, (row.run, row.parent), status, row.received_at));
        self.judged(bench, findings, |watching, alerting, found| {
            let emit = &mut |judgement| found.push(judgement);
            if row.did.opened {
                let ended = status.filter(|_| row.did.ended);
                let (run, received_at, started_at) = (row.run, row.received_at, Some(row.started_at));
                let opened = OpenedRun { run, received_at, started_at, ended };
                match is_quiet {
                    true => watching.judge.opened_again(opened, row.appended_at, alerting, emit),
                    false => watching.judge.opened(opened, alerting, emit),
                }
                watching.last_opening = watching.last_opening.max(Some(row.received_at));
            } else if row.status == RunStatus::Running && !is_quiet && !watching.knows(row.run) {
                watching.judge.reopened(row.run, row.received_at, alerting, emit);
            }
            if row.did.alive {
                watching.judge.alive(row.run, row.received_at);
            }
            open_run::note(&mut watching.open, row, partition, is_quiet);
            if let Some(status) = status.filter(|_| row.did.ended) {
                let is_child = failed.is_some();
                watching.end(status, row, (is_child, is_quiet), alerting, emit);
            }
        });
        findings.failed_children.extend(failed);
    }

    /// A run below one of its own failed.
    pub fn child_failed(&mut self, failed: &FailedChild, bench: &Bench<'_>, findings: &mut Findings) {
        let FailedChild { root, child, status, at } = *failed;
        if self.failed_children.iter().any(|known| known.run == child) || self.given.is_deleted(at) {
            return;
        }
        if self.failed_children.len() >= MAX_CHILDREN {
            self.failed_children.remove(0);
        }
        self.failed_children.push(LastRun { run: child, status: status.into(), received_at: at });
        self.judged(bench, findings, |watching, alerting, found| {
            watching.take_changes(bench);
            watching.judge.child_failed((root.run, child), at, alerting, &mut |judgement| found.push(judgement));
        });
    }

    /// Its open runs, the oldest first.
    pub fn open(&self) -> &[UnendedRun] {
        &self.open
    }

    /// One of its runs turned out to be another agent's.
    pub fn lost(&mut self, run: RunId, at: Timestamp, bench: &Bench<'_>, findings: &mut Findings) {
        self.open.retain(|open| open.run != run);
        let (status, duration_ms, cost) = (FinishStatus::Cancelled, None, Usd::ZERO);
        let ended = EndedRun { run, status, at, duration_ms, cost, is_replayed: true, is_child: false };
        self.judged(bench, findings, |watching, alerting, found| {
            watching.judge.ended(ended, alerting, &mut |judgement| found.push(judgement));
        });
    }

    /// Judges what can be judged by now.
    pub fn advance(&mut self, bench: &Bench<'_>, findings: &mut Findings) {
        self.take_changes(bench);
        self.end_if_deleted(bench, bench.to, findings);
        self.judged(bench, findings, |watching, alerting, found| {
            let emit = &mut |judgement| found.push(judgement);
            watching.judge.advance(bench.to, &bench.doubts, alerting, emit);
        });
    }

    /// The agent was deleted, at `to` at the latest: its open runs are watched no more, and nothing of them stays open.
    fn end_if_deleted(&mut self, bench: &Bench<'_>, to: Timestamp, findings: &mut Findings) {
        let name = bench.settings.names.name(&self.slug);
        let Some(at) = self.given.take_deletion(bench.settings, name, to) else { return };
        self.judged(bench, findings, |watching, alerting, found| {
            watching.judge.deleted(at, alerting, &mut |judgement| found.push(judgement));
        });
        let watched = self.judge.runs();
        self.open.retain(|open| watched.iter().any(|run| run.run == open.run));
    }

    /// Ends runs by their idle timeouts, and judges which are stuck, each by the clock of its partition.
    pub fn check_runs(&mut self, bench: &Bench<'_>, findings: &mut Findings) {
        self.take_changes(bench);
        if let Some(to) = self.open.iter().map(|open| bench.clock(open)).max() {
            self.end_if_deleted(bench, to, findings);
        }
        let mut failed_children = Vec::new();
        self.judged(bench, findings, |watching, alerting, found| {
            let emit = &mut |judgement| found.push(judgement);
            let idle = watching.open.iter().filter_map(|open| {
                let end = open.idle.filter(|end| end.at <= bench.clock(open))?;
                Some((*open, end))
            });
            for (UnendedRun { run, is_replayed, parent, .. }, IdleEnd { at, status }) in idle.collect::<Vec<_>>() {
                let failed = bench.tree.failed(watching.team, (run, parent), status, at).filter(|_| !is_replayed);
                let is_child = failed.is_some();
                failed_children.extend(failed);
                watching.open.retain(|open| open.run != run);
                let (duration_ms, cost) = (None, Usd::ZERO);
                let ended = EndedRun { run, status, at, duration_ms, cost, is_replayed, is_child };
                watching.judge.ended(ended, alerting, emit);
                if let Some(last) = watching.last_run.as_mut().filter(|last| last.run == run) {
                    last.status = status.into();
                }
            }
            let clocks = watching.open.iter().map(|open| (open.run, bench.clock(open))).collect::<Vec<_>>();
            let of_run = |run| clocks.iter().find(|(of, _)| *of == run).map_or(bench.to, |(_, at)| *at);
            watching.judge.check_runs(of_run, &bench.doubts, alerting, emit);
        });
        findings.failed_children.extend(failed_children);
    }

    /// Its row, if it has changed since it was last written.
    pub fn standing(&mut self, at: Timestamp) -> Option<StandingDoc> {
        let next_slot = self.next_expected();
        // As of before the slot: `late` is for the reader to add.
        let before_slot = self.judge.coverage().next_slot().map_or(at, |slot| slot.at.plus_millis(-1));
        let state = match self.judge.standing(before_slot) {
            // Its first run is not judged yet.
            AgentStanding::New if !self.open.is_empty() => AgentStanding::Running,
            AgentStanding::New if self.last_opening.is_some() => AgentStanding::Up,
            state => state,
        };
        let down = self.judge.missed().track().open().map(|open| open.opened_at);
        let began = match state {
            AgentStanding::Down => down,
            AgentStanding::Paused => self.judge.coverage().changed_at(),
            AgentStanding::Running => self.judge.runs().iter().map(|open| open.received_at).min(),
            _ => None,
        };
        let since = match self.state {
            Some((before, since)) if before == state => since,
            _ => began.unwrap_or(at),
        };
        self.state = Some((state, since));
        let doc = StandingDoc {
            state,
            since,
            next_slot,
            last_success: self.judge.last_success().copied(),
            last_run: self.last_run,
            open_incidents: self.open_incidents().map(|(id, _)| id).collect(),
            recent: self.recent.clone(),
        };
        if self.shown.as_ref() == Some(&doc) {
            return None;
        }
        self.shown = Some(doc.clone());
        Some(doc)
    }

    fn take_changes(&mut self, bench: &Bench<'_>) {
        let name = bench.settings.names.name(&self.slug);
        for (at, change) in self.given.take(bench.settings, name, bench.settled_to.max(bench.to)) {
            self.judge.change(at, change);
        }
    }

    fn knows(&self, run: RunId) -> bool {
        self.open.iter().any(|open| open.run == run)
    }

    fn end(
        &mut self,
        status: FinishStatus,
        row: &FeedRow,
        (is_child, is_replayed): (bool, bool),
        alerting: &Alerting<'_>,
        emit: &mut impl FnMut(Judgement),
    ) {
        let FeedRow { run, received_at: at, duration_ms, cost, .. } = *row;
        self.open.retain(|open| open.run != run);
        let before = self.judge.last_success().map(|last| last.run);
        self.judge.ended(EndedRun { run, status, at, duration_ms, cost, is_replayed, is_child }, alerting, emit);
        let last = self.judge.last_success().filter(|last| last.run == run && before != Some(run));
        if let Some(duration_ms) = last.and_then(|last| last.duration_ms) {
            self.recent.note_duration(duration_ms);
        }
    }

    /// The oldest slot that is not decided and in whose window no run has arrived.
    fn next_expected(&self) -> Option<Slot> {
        let mut slot = self.judge.coverage().next_slot()?;
        let (Some(opening), Some(definition)) = (self.last_opening, self.judge.coverage().definition()) else {
            return Some(slot);
        };
        // A window that an opening has reached is taken by it, or by one before it.
        while slot.window_from <= opening {
            slot = match definition.timing {
                tidegate_agentping_pulse::Timing::Every { .. } if slot.at <= opening => {
                    definition.slot_after(opening)?
                }
                _ => definition.slot_following(slot.at)?,
            };
        }
        Some(slot)
    }

    fn open_incidents(&self) -> impl Iterator<Item = (IncidentId, IncidentOrigin)> {
        let stuck = self.judge.runs().iter().filter_map(|open| open.incident());
        let tracks =
            [self.judge.missed(), self.judge.failed()].into_iter().filter_map(|watched| watched.track().open());
        tracks.chain(stuck).map(|open| (open.id, open.origin))
    }
}
