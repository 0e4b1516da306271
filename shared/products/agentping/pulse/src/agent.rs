//! The judge of one agent: its slots, its open runs, its incidents and their messages.
//!
//! Slots follow the watermark, runs the clocks of their own partitions. An agent without a schedule and without trouble
//! has no memory of its own beyond this structure, and nothing is done for it until its next due time.

use serde::{Deserialize, Serialize};
use tidegate_agentping::{FinishStatus, RunId};
use tidegate_kernel::{Timestamp, Usd};

use crate::coverage::{Coverage, ScheduleChange, SlotDecision, SlotRule};
use crate::doubt::Doubts;
use crate::incident::track::InARow;
use crate::incident::{AlertKind, IncidentOrigin};
use crate::open_runs::OpenRuns;
use crate::runs::{OpenedRun, SlotOutcome};
use crate::watched::{Alerting, Judgement, Watched, send_alone};
use crate::watermark::Watermark;

/// The end of a run, as its record was stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EndedRun {
    pub run: RunId,
    pub status: FinishStatus,
    /// When the record that ended it was received.
    pub at: Timestamp,
    pub duration_ms: Option<u64>,
    pub cost: Usd,
    /// Appended again by a replay: it opens nothing.
    pub is_replayed: bool,
    /// It is below another run, whose agent its failure is shown at.
    pub is_child: bool,
}

/// The last run that succeeded, for messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LastSuccess {
    pub run: RunId,
    pub finished_at: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duration_ms: Option<u64>,
    pub cost: Usd,
}

/// How an agent is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AgentStanding {
    New,
    Up,
    /// Past a slot, and within its tolerance. Shown, and never sent.
    Late,
    Running,
    Down,
    Unknown,
    Paused,
}

/// The state of one agent.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AgentJudge {
    coverage: Coverage,
    #[serde(default, skip_serializing_if = "Watched::is_idle")]
    missed: Watched,
    #[serde(default, skip_serializing_if = "Watched::is_idle")]
    failed: Watched,
    #[serde(default, skip_serializing_if = "OpenRuns::is_new")]
    runs: OpenRuns,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    last_success: Option<LastSuccess>,
    /// Of the last slot that was judged.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    last_outcome: Option<SlotOutcome>,
}

impl AgentJudge {
    /// An agent whose last opening was received at `last_opening`, if it ever had one.
    pub fn new(last_opening: Option<Timestamp>) -> Self {
        AgentJudge { coverage: Coverage::new(last_opening), ..AgentJudge::default() }
    }

    pub fn coverage(&self) -> &Coverage {
        &self.coverage
    }

    pub fn missed(&self) -> &Watched {
        &self.missed
    }

    pub fn failed(&self) -> &Watched {
        &self.failed
    }

    pub fn runs(&self) -> &OpenRuns {
        &self.runs
    }

    pub fn last_success(&self) -> Option<&LastSuccess> {
        self.last_success.as_ref()
    }

    /// From `at` on this holds ([`Coverage::change`]).
    pub fn change(&mut self, at: Timestamp, change: ScheduleChange) {
        self.coverage.change(at, change);
    }

    /// When [`AgentJudge::advance`] has something to do, in the time up to which slots can be judged.
    pub fn next_due(&self, alerting: &Alerting<'_>) -> Option<Timestamp> {
        let watched = [(AlertKind::ScheduleMissed, &self.missed), (AlertKind::RunFailed, &self.failed)].into_iter();
        let watched = watched.chain(self.runs.watched());
        let alerts = watched.filter_map(|(kind, watched)| watched.next_due(kind, alerting.routes)).min();
        self.coverage.next_due().into_iter().chain(alerts).min()
    }

    /// When [`AgentJudge::check_runs`] has something to do, by the clock of the run's partition.
    pub fn next_run_due(&self) -> Option<Timestamp> {
        if self.runs.is_empty() { None } else { self.runs.next_due(&self.coverage.run_limits()) }
    }

    /// A run was opened.
    pub fn opened(&mut self, opened: OpenedRun, alerting: &Alerting<'_>, emit: &mut impl FnMut(Judgement)) {
        self.runs.opened(&opened, alerting, emit);
        let AgentJudge { coverage, missed, last_outcome, .. } = self;
        coverage.opened(opened, &mut |decision| decided(decision, missed, last_outcome, alerting, emit));
    }

    /// A replay, appended at `at`, brings the opening of a run. The run is not watched: it never opens an incident, nor
    /// does a slot before `at` for it.
    pub fn opened_again(
        &mut self,
        opened: OpenedRun,
        at: Timestamp,
        alerting: &Alerting<'_>,
        emit: &mut impl FnMut(Judgement),
    ) {
        let AgentJudge { coverage, missed, last_outcome, .. } = self;
        coverage.opened_again(opened, at, &mut |decision| decided(decision, missed, last_outcome, alerting, emit));
    }

    /// A run that was closed by its idle timeout is active again, or one is open that began before anything was watched: it is
    /// watched, and covers no other slot.
    pub fn reopened(
        &mut self,
        run: RunId,
        received_at: Timestamp,
        alerting: &Alerting<'_>,
        emit: &mut impl FnMut(Judgement),
    ) {
        self.runs.opened(&OpenedRun { run, received_at, started_at: None, ended: None }, alerting, emit);
    }

    /// The agent was deleted at `at`: what is open of its runs from before is over, and they are not watched any more.
    pub fn deleted(&mut self, at: Timestamp, alerting: &Alerting<'_>, emit: &mut impl FnMut(Judgement)) {
        let track = self.failed.track();
        let last = track.last_bad().max(track.open().map(|open| open.opened_at));
        if last.is_some_and(|last| last <= at) {
            let origin = IncidentOrigin::Slot(at);
            self.failed.change(alerting, AlertKind::RunFailed, at, emit, |track, of| track.end(of, origin, at));
        }
        self.runs.end_before(at, alerting, emit);
    }

    /// A run is alive: an event with `data.alive`, or its start again.
    pub fn alive(&mut self, run: RunId, at: Timestamp) {
        self.runs.alive(run, at);
    }

    /// A run ended.
    pub fn ended(&mut self, ended: EndedRun, alerting: &Alerting<'_>, emit: &mut impl FnMut(Judgement)) {
        let EndedRun { run, status, at, duration_ms, cost, is_replayed, is_child } = ended;
        let AgentJudge { coverage, missed, last_outcome, .. } = self;
        coverage.ended(run, status, &mut |decision| decided(decision, missed, last_outcome, alerting, emit));
        self.runs.ended(run, status == FinishStatus::Success, at, alerting, emit);
        match status {
            FinishStatus::Success => {
                self.succeeded(run, at, alerting, emit);
                if self.last_success.is_none_or(|last| last.finished_at <= at) {
                    self.last_success = Some(LastSuccess { run, finished_at: at, duration_ms, cost });
                }
            }
            FinishStatus::Failed | FinishStatus::Timeout if !is_replayed && !is_child => {
                self.went_wrong(IncidentOrigin::Run(run), at, alerting, emit);
            }
            FinishStatus::Failed | FinishStatus::Timeout | FinishStatus::Cancelled => {}
        }
    }

    /// A run has succeeded. Records of several partitions come in any order: one that was before a failure that is
    /// known recovers nothing.
    fn succeeded(&mut self, run: RunId, at: Timestamp, alerting: &Alerting<'_>, emit: &mut impl FnMut(Judgement)) {
        if self.failed.track().last_bad().is_some_and(|failed_at| is_before(at, failed_at)) {
            return;
        }
        let (rule, origin) = (self.in_a_row(at), IncidentOrigin::Run(run));
        self.failed.change(alerting, AlertKind::RunFailed, at, emit, |track, of| track.good(of, rule, origin, at));
    }

    /// A failure counts, whenever it becomes known. One that was before a success that is known has been recovered
    /// from.
    fn went_wrong(
        &mut self,
        origin: IncidentOrigin,
        at: Timestamp,
        alerting: &Alerting<'_>,
        emit: &mut impl FnMut(Judgement),
    ) {
        let rule = self.in_a_row(at);
        self.failed.change(alerting, AlertKind::RunFailed, at, emit, |track, of| track.bad(of, rule, origin, at));
        if let Some(last) = self.last_success.filter(|last| is_before(at, last.finished_at)) {
            self.succeeded(last.run, last.finished_at, alerting, emit);
        }
    }

    /// A run below one of this agent's failed: it is a failure of the agent.
    pub fn child_failed(
        &mut self,
        (run, child): (RunId, RunId),
        at: Timestamp,
        alerting: &Alerting<'_>,
        emit: &mut impl FnMut(Judgement),
    ) {
        self.went_wrong(IncidentOrigin::Child { run, child }, at, alerting, emit);
    }

    /// How many failures in a row count: by the definition at their own time, however far slots are judged.
    fn in_a_row(&self, at: Timestamp) -> InARow {
        self.coverage.unpaused_definition_at(at).map_or(InARow::ONE, |definition| InARow {
            alert_after: definition.alert_after,
            recover_after: definition.recover_after,
        })
    }

    /// Judges what can be judged up to `to` ([`Coverage::advance`]).
    pub fn advance(
        &mut self,
        to: Timestamp,
        doubts: &Doubts<'_>,
        alerting: &Alerting<'_>,
        emit: &mut impl FnMut(Judgement),
    ) {
        loop {
            // From one change to the next, so that an incident ends with its schedule, however far this goes.
            let until = self.coverage.next_change().map_or(to, |at| at.min(to));
            let AgentJudge { coverage, missed, last_outcome, .. } = self;
            coverage.advance(until, doubts, &mut |decision| decided(decision, missed, last_outcome, alerting, emit));
            if let Some(at) = coverage.changed_at().filter(|_| !coverage.expects_runs()) {
                // Nothing is expected any more. A pause is no end: the agent is expected again once it is over.
                let origin = IncidentOrigin::Slot(at);
                missed.change(alerting, AlertKind::ScheduleMissed, at, emit, |track, of| track.end(of, origin, at));
            }
            if until >= to {
                break;
            }
        }
        self.missed.tick(alerting, AlertKind::ScheduleMissed, to, emit);
        self.failed.tick(alerting, AlertKind::RunFailed, to, emit);
        self.runs.tick(alerting, to, emit);
    }

    /// Judges which open runs are stuck, each by the clock of its own partition.
    pub fn check_runs(
        &mut self,
        clock: impl Fn(RunId) -> Timestamp,
        doubts: &Doubts<'_>,
        alerting: &Alerting<'_>,
        emit: &mut impl FnMut(Judgement),
    ) {
        if !self.runs.is_empty() {
            self.runs.check(&self.coverage.run_limits(), clock, doubts, alerting, emit);
        }
    }

    /// How the agent is shown at `now`.
    pub fn standing(&self, now: Timestamp) -> AgentStanding {
        let is_down = self.missed.track().open().is_some();
        let is_late = || self.coverage.next_slot().is_some_and(|slot| slot.at <= now);
        match () {
            () if self.coverage.is_paused() => AgentStanding::Paused,
            () if is_down => AgentStanding::Down,
            () if !self.coverage.is_seen() && self.last_outcome.is_none() => AgentStanding::New,
            () if !self.runs.is_empty() => AgentStanding::Running,
            () if is_late() => AgentStanding::Late,
            () if self.last_outcome == Some(SlotOutcome::Unknown) => AgentStanding::Unknown,
            () => AgentStanding::Up,
        }
    }
}

/// Whether one instant is before the other, by more than clocks of front doors may differ.
fn is_before(one: Timestamp, other: Timestamp) -> bool {
    one.plus_millis(Watermark::CLOCK_DIFFERENCE_MS) < other
}

/// What a decision about a slot means for incidents.
fn decided(
    decision: SlotDecision,
    missed: &mut Watched,
    last_outcome: &mut Option<SlotOutcome>,
    alerting: &Alerting<'_>,
    emit: &mut impl FnMut(Judgement),
) {
    emit(Judgement::Slot(decision));
    let SlotDecision { slot, outcome, decided_at: at, missed_after, .. } = decision;
    let Some(SlotRule { alert_after, recover_after, unknown_alerts }) = decision.rule else { return };
    if !decision.is_amendment {
        *last_outcome = Some(outcome);
    }
    let (rule, origin) = (InARow { alert_after, recover_after }, IncidentOrigin::Slot(slot.at));
    let kind = AlertKind::ScheduleMissed;
    match outcome {
        SlotOutcome::Missed => missed.change(alerting, kind, at, emit, |track, of| track.bad(of, rule, origin, at)),
        SlotOutcome::OkLate => missed
            .change(alerting, kind, at, emit, |track, of| track.well_after_all(of, rule, origin, at, missed_after)),
        SlotOutcome::Open | SlotOutcome::Ok | SlotOutcome::Failed | SlotOutcome::Timeout => {
            missed.change(alerting, kind, at, emit, |track, of| track.good(of, rule, origin, at));
        }
        SlotOutcome::Unknown if unknown_alerts => {
            send_alone(alerting, AlertKind::ScheduleUnknown, origin, at, emit);
        }
        SlotOutcome::Unknown | SlotOutcome::Skipped => {}
    }
}
