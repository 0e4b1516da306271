//! Runs that are open, and which of them are stuck.

use serde::{Deserialize, Serialize};
use tidegate_agentping::RunId;
use tidegate_kernel::Timestamp;

use crate::doubt::Doubts;
use crate::incident::track::{InARow, OpenIncident};
use crate::incident::{AlertKind, IncidentOrigin};
use crate::runs::{OpenedRun, RunLimit};
use crate::watched::{Alerting, Judgement, Watched};

const KIND: AlertKind = AlertKind::RunStuck;

/// A run that has not ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WatchedRun {
    pub run: RunId,
    pub received_at: Timestamp,
    /// When it was last alive: its opening, a repeated start, an event with `data.alive`.
    pub alive_at: Timestamp,
    /// Its deadline has passed and was judged: it is stuck, unknown, or overtaken by a newer success.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    is_judged: bool,
    /// Its incident.
    #[serde(default, skip_serializing_if = "Watched::is_idle")]
    stuck: Watched,
}

impl WatchedRun {
    /// Whether it has an incident.
    pub fn is_stuck(&self) -> bool {
        self.incident().is_some()
    }

    /// Its incident, while it is open.
    pub fn incident(&self) -> Option<&OpenIncident> {
        self.stuck.track().open()
    }

    /// When it is stuck if it is not alive meanwhile: by the first limit that is in force when it has passed.
    fn stuck_at(&self, limits: &[RunLimit]) -> Option<Timestamp> {
        let ends = limits.iter().skip(1).map(|limit| limit.from).chain([Timestamp::LAST]);
        limits.iter().zip(ends).find_map(|(limit, end)| {
            let passed = self.alive_at.plus_millis(i64::from(limit.max_runtime_s?) * 1_000);
            Some(passed.max(limit.from)).filter(|at| *at < end)
        })
    }

    fn resolve(&mut self, by: RunId, at: Timestamp, alerting: &Alerting<'_>, emit: &mut impl FnMut(Judgement)) {
        let origin = IncidentOrigin::Run(by);
        self.stuck.change(alerting, KIND, at, emit, |track, subject| track.resolve(subject, origin, at));
    }
}

/// All open runs of an agent that a judge knows.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenRuns {
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    runs: Vec<WatchedRun>,
    /// The opening of the newest run that succeeded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    newest_success: Option<Timestamp>,
}

impl OpenRuns {
    /// Open runs at once. The oldest one beyond it is not watched any more, and its incident ends.
    pub const MAX: usize = 64;

    pub fn is_empty(&self) -> bool {
        self.runs.is_empty()
    }

    pub(crate) fn is_new(&self) -> bool {
        self.runs.is_empty() && self.newest_success.is_none()
    }

    pub fn iter(&self) -> impl Iterator<Item = &WatchedRun> {
        self.runs.iter()
    }

    pub(crate) fn watched(&self) -> impl Iterator<Item = (AlertKind, &Watched)> {
        self.runs.iter().map(|open| (KIND, &open.stuck))
    }

    /// A run was opened.
    pub(crate) fn opened(&mut self, opened: &OpenedRun, alerting: &Alerting<'_>, emit: &mut impl FnMut(Judgement)) {
        let OpenedRun { run, received_at, .. } = *opened;
        if self.runs.iter().any(|open| open.run == run) {
            return;
        }
        if self.runs.len() >= Self::MAX {
            // Nothing would end its incident later.
            self.runs.remove(0).resolve(run, received_at, alerting, emit);
        }
        let stuck = Watched::default();
        self.runs.push(WatchedRun { run, received_at, alive_at: received_at, is_judged: false, stuck });
    }

    /// Runs that were opened until `at` are not watched any more.
    pub(crate) fn end_before(&mut self, at: Timestamp, alerting: &Alerting<'_>, emit: &mut impl FnMut(Judgement)) {
        for mut open in self.runs.extract_if(.., |open| open.received_at <= at) {
            open.resolve(open.run, at, alerting, emit);
        }
    }

    /// A run is alive: its deadline moves.
    pub(crate) fn alive(&mut self, run: RunId, at: Timestamp) {
        if let Some(open) = self.runs.iter_mut().find(|open| open.run == run && open.alive_at < at) {
            open.alive_at = at;
            open.is_judged = open.is_stuck();
        }
    }

    /// The first deadline that has not been judged, by each run's own partition's clock.
    pub(crate) fn next_due(&self, limits: &[RunLimit]) -> Option<Timestamp> {
        let waiting = self.runs.iter().filter(|open| !open.is_judged);
        waiting.filter_map(|open| open.stuck_at(limits)).min()
    }

    /// Judges the runs whose deadline their partition's clock has passed. A run that was open in doubt is unknown, since
    /// its end may have been lost; one that a newer success has overtaken is no trouble.
    pub(crate) fn check(
        &mut self,
        limits: &[RunLimit],
        clock: impl Fn(RunId) -> Timestamp,
        doubts: &Doubts<'_>,
        alerting: &Alerting<'_>,
        emit: &mut impl FnMut(Judgement),
    ) {
        let newest_success = self.newest_success;
        for open in self.runs.iter_mut().filter(|open| !open.is_judged) {
            let deadline = open.stuck_at(limits).filter(|deadline| *deadline <= clock(open.run));
            let Some(deadline) = deadline else { continue };
            open.is_judged = true;
            let is_unknown = doubts.between(open.received_at, deadline).is_some();
            let is_overtaken = newest_success.is_some_and(|newest| newest > open.received_at);
            if !is_unknown && !is_overtaken {
                let origin = IncidentOrigin::Run(open.run);
                open.stuck.change(alerting, KIND, deadline, emit, |track, subject| {
                    track.bad(subject, InARow::ONE, origin, deadline)
                });
            }
        }
    }

    /// A run ended: its incident is resolved, and those of older runs if it succeeded.
    pub(crate) fn ended(
        &mut self,
        run: RunId,
        succeeded: bool,
        at: Timestamp,
        alerting: &Alerting<'_>,
        emit: &mut impl FnMut(Judgement),
    ) {
        let Some(index) = self.runs.iter().position(|open| open.run == run) else { return };
        let mut ended = self.runs.remove(index);
        ended.resolve(run, at, alerting, emit);
        if !succeeded {
            return;
        }
        self.newest_success = self.newest_success.max(Some(ended.received_at));
        for older in self.runs.iter_mut().filter(|open| open.received_at < ended.received_at) {
            older.resolve(run, at, alerting, emit);
        }
    }

    /// Does what time alone brings up to `to`.
    pub(crate) fn tick(&mut self, alerting: &Alerting<'_>, to: Timestamp, emit: &mut impl FnMut(Judgement)) {
        self.runs.iter_mut().for_each(|open| open.stuck.tick(alerting, KIND, to, emit));
    }
}
