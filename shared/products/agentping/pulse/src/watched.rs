//! A track of incidents with the messages that went to each route.

use serde::{Deserialize, Serialize};
use tidegate_agentping::AgentId;
use tidegate_kernel::Timestamp;

use crate::coverage::SlotDecision;
use crate::incident::routing::{AlertMessage, RoutePolicy, Routing};
use crate::incident::track::{InARow, Track};
use crate::incident::{AlertKind, Edge, IncidentEdge, IncidentOrigin, Subject};

/// What a judge finds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Judgement {
    Slot(SlotDecision),
    Edge(IncidentEdge),
    Message(AlertMessage),
}

/// Whose incidents these are, and the routes of their messages.
#[derive(Clone, Copy, Debug)]
pub struct Alerting<'a> {
    pub agent: AgentId,
    pub routes: &'a [RoutePolicy<'a>],
}

impl Alerting<'_> {
    pub(crate) const fn subject(&self, kind: AlertKind) -> Subject {
        Subject { agent: self.agent, kind }
    }
}

/// The state of one kind of incident of one agent, or of one run.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Watched {
    #[serde(default, skip_serializing_if = "Track::is_idle")]
    track: Track,
    #[serde(default, skip_serializing_if = "Routing::is_empty")]
    routing: Routing,
}

impl Watched {
    pub fn is_idle(&self) -> bool {
        self.track.is_idle() && self.routing.is_empty()
    }

    pub fn track(&self) -> &Track {
        &self.track
    }

    /// Changes the track, once what was due before `at` has been done, and sends what follows.
    pub(crate) fn change(
        &mut self,
        alerting: &Alerting<'_>,
        kind: AlertKind,
        at: Timestamp,
        emit: &mut impl FnMut(Judgement),
        change: impl FnOnce(&mut Track, &Subject) -> Option<IncidentEdge>,
    ) {
        self.tick(alerting, kind, at.plus_millis(-1), emit);
        let edge = change(&mut self.track, &alerting.subject(kind));
        self.emit(alerting, edge, emit);
    }

    /// When [`Watched::tick`] has something to do.
    pub(crate) fn next_due(&self, kind: AlertKind, routes: &[RoutePolicy<'_>]) -> Option<Timestamp> {
        let of = self.track.open().map(|open| (open.opened_at, open.count));
        let reminder = of.and_then(|of| self.routing.next_reminder(kind, routes, of));
        self.track.stable_at().into_iter().chain(reminder).min()
    }

    /// Does what time alone brings up to `to`: the end of flapping, and reminders.
    pub(crate) fn tick(
        &mut self,
        alerting: &Alerting<'_>,
        kind: AlertKind,
        to: Timestamp,
        emit: &mut impl FnMut(Judgement),
    ) {
        while let Some(at) = self.next_due(kind, alerting.routes).filter(|at| *at <= to) {
            let subject = alerting.subject(kind);
            let edge = if self.track.stable_at() == Some(at) {
                self.track.settle(&subject, at)
            } else {
                self.track.reminder(&subject, at)
            };
            self.emit(alerting, edge, emit);
        }
    }

    fn emit(&mut self, alerting: &Alerting<'_>, edge: Option<IncidentEdge>, emit: &mut impl FnMut(Judgement)) {
        let Some(edge) = edge else { return };
        if edge.edge != Edge::Reminder {
            emit(Judgement::Edge(edge));
        }
        let region = alerting.agent.region();
        self.routing.route(region, &edge, alerting.routes, &mut |message| emit(Judgement::Message(message)));
    }
}

/// A message about one slot without an incident.
pub(crate) fn send_alone(
    alerting: &Alerting<'_>,
    kind: AlertKind,
    origin: IncidentOrigin,
    at: Timestamp,
    emit: &mut impl FnMut(Judgement),
) {
    let edge = Track::default().bad(&alerting.subject(kind), InARow::ONE, origin, at);
    if let Some(edge) = edge {
        let send = &mut |message| emit(Judgement::Message(message));
        Routing::default().route(alerting.agent.region(), &edge, alerting.routes, send);
    }
}
