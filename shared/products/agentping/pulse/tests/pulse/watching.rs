//! A judge of one agent with routes: incidents and messages come out.

use std::sync::Arc;

use serde_json::Value;
use tidegate_agentping::{AgentId, FinishStatus, RunId};
use tidegate_agentping_pulse::{
    AgentJudge, AlertKind, AlertMessage, AlertSeverity, Alerting, Doubt, Doubts, Edge, EndedRun, IncidentEdge,
    Judgement, OpenedRun, RoutePolicy, ScheduleChange, SlotDecision,
};
use tidegate_kernel::{Region, Timestamp, Usd};

use crate::judged::{run, time};
use crate::samples::definition;

pub const OPS: RoutePolicy<'static> = RoutePolicy {
    route: "ops",
    kinds: None,
    min_severity: AlertSeverity::Info,
    min_interval_s: RoutePolicy::MIN_INTERVAL_S,
    reminders: true,
    holds_open: false,
};

pub fn agent(number: u128) -> AgentId {
    AgentId::from_bits(Region::Eu, number)
}

pub struct Watching {
    pub judge: AgentJudge,
    pub agent: AgentId,
    pub routes: Vec<RoutePolicy<'static>>,
    pub doubts: Vec<Doubt>,
    pub slots: Vec<SlotDecision>,
    pub edges: Vec<IncidentEdge>,
    pub messages: Vec<AlertMessage>,
}

impl Watching {
    /// An agent that has run before, with a schedule since midnight and one route.
    pub fn with(members: Value) -> Self {
        let mut judge = AgentJudge::new(Some(time("00:00").plus_millis(-1)));
        judge.change(time("00:00"), ScheduleChange::Set(Arc::new(definition(members))));
        Watching::of(judge)
    }

    pub fn of(judge: AgentJudge) -> Self {
        let (doubts, slots, edges, messages) = (vec![], vec![], vec![], vec![]);
        Watching { judge, agent: agent(7), routes: vec![OPS], doubts, slots, edges, messages }
    }

    fn act(&mut self, act: impl FnOnce(&mut AgentJudge, &Doubts<'_>, &Alerting<'_>, &mut dyn FnMut(Judgement))) {
        let Watching { judge, agent, routes, doubts, slots, edges, messages } = self;
        let (doubts, alerting) = (Doubts { of_all: &[], of_team: doubts }, Alerting { agent: *agent, routes });
        act(judge, &doubts, &alerting, &mut |judgement| match judgement {
            Judgement::Slot(decision) => slots.push(decision),
            Judgement::Edge(edge) => edges.push(edge),
            Judgement::Message(message) => messages.push(message),
        });
    }

    pub fn opened(&mut self, number: u128, at: &str) {
        self.opened_started(number, at, None);
    }

    pub fn opened_started(&mut self, number: u128, at: &str, started_at: Option<&str>) {
        let opened =
            OpenedRun { run: run(number), received_at: time(at), started_at: started_at.map(time), ended: None };
        self.act(|judge, _, alerting, mut emit| judge.opened(opened, alerting, &mut emit));
    }

    /// A replay, appended then, brings a run.
    pub fn opened_again(&mut self, number: u128, received_at: &str, appended_at: &str) {
        let opened = OpenedRun { run: run(number), received_at: time(received_at), started_at: None, ended: None };
        let at = time(appended_at);
        self.act(|judge, _, alerting, mut emit| judge.opened_again(opened, at, alerting, &mut emit));
    }

    pub fn deleted(&mut self, at: &str) {
        let at = time(at);
        self.act(|judge, _, alerting, mut emit| judge.deleted(at, alerting, &mut emit));
    }

    /// From then on this is the schedule.
    pub fn set(&mut self, from: &str, members: Value) {
        self.judge.change(time(from), ScheduleChange::Set(Arc::new(definition(members))));
    }

    pub fn ended(&mut self, number: u128, status: FinishStatus, at: &str) {
        self.end(number, status, at, false);
    }

    pub fn end(&mut self, number: u128, status: FinishStatus, at: &str, is_replayed: bool) {
        let ended = EndedRun {
            run: run(number),
            status,
            at: time(at),
            duration_ms: Some(1),
            cost: Usd::ZERO,
            is_replayed,
            is_child: false,
        };
        self.act(|judge, _, alerting, mut emit| judge.ended(ended, alerting, &mut emit));
    }

    /// A heartbeat: opened and ended at once.
    pub fn beat(&mut self, number: u128, status: FinishStatus, at: &str) {
        self.opened(number, at);
        self.ended(number, status, at);
    }

    pub fn to(&mut self, until: &str) {
        self.watch_until(time(until));
    }

    pub fn watch_until(&mut self, until: Timestamp) {
        self.act(|judge, doubts, alerting, mut emit| judge.advance(until, doubts, alerting, &mut emit));
    }

    /// All partitions' clocks stand at this.
    pub fn check(&mut self, clock: &str) {
        let clock = time(clock);
        let clock = |_: RunId| clock;
        self.act(|judge, doubts, alerting, mut emit| judge.check_runs(clock, doubts, alerting, &mut emit));
    }

    /// What was sent to a route, as `12:10 schedule_missed firing`.
    pub fn sent_to(&self, route: &str) -> Vec<String> {
        let sent = self.messages.iter().filter(|message| message.route == route);
        sent.map(|message| said(message.timestamp, message.kind, message.edge)).collect()
    }

    pub fn sent(&self) -> Vec<String> {
        self.sent_to("ops")
    }
}

pub fn said(at: Timestamp, kind: AlertKind, edge: Edge) -> String {
    format!("{} {} {}", &at.to_string()[11..16], kind.as_str(), edge.as_str())
}
