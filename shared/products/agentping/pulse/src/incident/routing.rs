//! From an incident's edges to messages: which route gets which, and how many slots a message stands for.

use serde::{Deserialize, Serialize};
use tidegate_kernel::{Region, SmolStr, Timestamp};

use super::derived_id::{DeliveryId, IncidentId, delivery_id};
use super::{AlertKind, AlertSeverity, Edge, IncidentEdge, IncidentOrigin};

/// What a route wants.
#[derive(Clone, Copy, Debug)]
pub struct RoutePolicy<'r> {
    /// Its id.
    pub route: &'r str,
    /// The kinds that it wants; all if absent.
    pub kinds: Option<&'r [AlertKind]>,
    pub min_severity: AlertSeverity,
    /// Between two messages about slots of one open incident.
    pub min_interval_s: u32,
    /// Whether an incident that stays open is sent again once a day.
    pub reminders: bool,
    /// Whether what it gets stays open there until it is resolved (PagerDuty), so that it needs the end of a flapping
    /// incident, too.
    pub holds_open: bool,
}

impl RoutePolicy<'_> {
    pub const MIN_INTERVAL_S: u32 = 3_600;

    fn wants(&self, kind: AlertKind) -> bool {
        self.kinds.is_none_or(|kinds| kinds.contains(&kind)) && kind.severity() >= self.min_severity
    }
}

/// One message to one route.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AlertMessage {
    pub id: DeliveryId,
    pub route: SmolStr,
    pub incident: IncidentId,
    pub kind: AlertKind,
    pub edge: Edge,
    pub severity: AlertSeverity,
    /// The slot or run that it is about.
    pub origin: IncidentOrigin,
    /// When it became true.
    pub timestamp: Timestamp,
    pub opened_at: Timestamp,
    /// Slots or runs in the incident so far.
    pub count: u32,
    /// Slots or runs since the route's last message that had none of their own.
    pub folded: u32,
    /// It has gone on for so long that people are asked whether it is wanted at all.
    pub is_broken_for_long: bool,
}

impl AlertMessage {
    /// Seconds that the incident was open; only of a recovery.
    pub fn down_s(&self) -> Option<u64> {
        (self.edge == Edge::Resolved).then(|| self.timestamp.millis_since(self.opened_at) / 1_000)
    }
}

/// What was sent to the routes about the open incident of one track.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Routing(Vec<Sent>);

/// A route that got the opening, or a later message of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Sent {
    route: SmolStr,
    last_at: Timestamp,
    #[serde(default)]
    folded: u32,
}

impl Routing {
    /// A reminder follows the last message after a day.
    pub const REMINDER_AFTER_MS: i64 = 86_400_000;
    /// After so long, and so many slots or runs, an incident is asked about once, and then sent once a week only.
    pub const BROKEN_AFTER_MS: i64 = 14 * 86_400_000;
    pub const BROKEN_FROM: u32 = 4;
    const WEEK_MS: i64 = 7 * 86_400_000;

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The messages of an edge, in the order of the routes. A recovery goes to whoever got the incident: past severity
    /// and silence, and whatever is routed where by now.
    pub fn route(
        &mut self,
        region: Region,
        edge: &IncidentEdge,
        routes: &[RoutePolicy<'_>],
        send: &mut impl FnMut(AlertMessage),
    ) {
        if edge.edge == Edge::Resolved {
            for Sent { route, folded, .. } in std::mem::take(&mut self.0) {
                send(message(region, edge, &route, folded));
            }
            return;
        }
        for policy in routes {
            if let Some(folded) = self.takes(edge, policy) {
                send(message(region, edge, policy.route, folded));
            }
        }
    }

    /// Whether a route gets a message of this edge, and for how many others it stands.
    fn takes(&mut self, edge: &IncidentEdge, policy: &RoutePolicy<'_>) -> Option<u32> {
        if !policy.wants(edge.kind) {
            return None;
        }
        let known = self.0.iter_mut().find(|sent| sent.route == policy.route);
        match (edge.edge, known) {
            (Edge::Resolved, _) | (Edge::Reminder, None) => None,
            (Edge::Firing | Edge::Repeat | Edge::Reminder, Some(sent)) => sent.next(edge, policy),
            (Edge::Firing | Edge::Repeat, None) if edge.is_quiet => None,
            (Edge::Flapping, Some(_)) => Some(0),
            (Edge::Flapping, None) if !policy.holds_open => Some(0),
            (Edge::Firing | Edge::Repeat | Edge::Flapping, None) => {
                self.0.push(Sent { route: SmolStr::new(policy.route), last_at: edge.timestamp, folded: 0 });
                Some(0)
            }
        }
    }

    /// When the next reminder of an incident is due that was opened then and has so many slots or runs.
    pub fn next_reminder(
        &self,
        kind: AlertKind,
        routes: &[RoutePolicy<'_>],
        (opened_at, count): (Timestamp, u32),
    ) -> Option<Timestamp> {
        let due = |sent: &Sent| {
            let of_route = routes.iter().filter(|policy| sent.route == policy.route && policy.wants(kind));
            of_route.filter_map(|policy| sent.reminder_at(policy, opened_at, count)).min()
        };
        self.0.iter().filter_map(due).min()
    }
}

/// Whether an incident that was opened then is broken for long at `at`.
fn is_broken_for_long(opened_at: Timestamp, count: u32, at: Timestamp) -> bool {
    count >= Routing::BROKEN_FROM && at >= opened_at.plus_millis(Routing::BROKEN_AFTER_MS)
}

impl Sent {
    /// When the route is reminded: once a day where it wants that, once when it is broken for long, then once a week.
    fn reminder_at(&self, policy: &RoutePolicy<'_>, opened_at: Timestamp, count: u32) -> Option<Timestamp> {
        let daily = policy.reminders.then(|| self.last_at.plus_millis(Routing::REMINDER_AFTER_MS));
        let asked_at = opened_at.plus_millis(Routing::BROKEN_AFTER_MS);
        match () {
            () if count < Routing::BROKEN_FROM => daily,
            () if self.last_at < asked_at => Some(daily.map_or(asked_at, |daily| daily.min(asked_at))),
            () => policy.reminders.then(|| self.last_at.plus_millis(Routing::WEEK_MS)),
        }
    }

    fn next(&mut self, edge: &IncidentEdge, policy: &RoutePolicy<'_>) -> Option<u32> {
        let since_ms = edge.timestamp.millis_since(self.last_at);
        let is_broken = is_broken_for_long(edge.opened_at, edge.count, edge.timestamp);
        let interval_ms = u64::from(policy.min_interval_s) * 1_000;
        let interval_ms = if is_broken { interval_ms.max(Routing::WEEK_MS as u64) } else { interval_ms };
        let reminder_at = self.reminder_at(policy, edge.opened_at, edge.count);
        let is_due = match edge.edge {
            Edge::Reminder => reminder_at.is_some_and(|at| at <= edge.timestamp),
            _ => !edge.is_quiet && since_ms >= interval_ms,
        };
        if is_due {
            self.last_at = edge.timestamp;
            return Some(std::mem::take(&mut self.folded));
        }
        self.folded += u32::from(edge.edge == Edge::Repeat);
        None
    }
}

fn message(region: Region, edge: &IncidentEdge, route: &str, folded: u32) -> AlertMessage {
    let severity = if edge.edge == Edge::Resolved { AlertSeverity::Info } else { edge.kind.severity() };
    AlertMessage {
        id: delivery_id(region, edge.incident, route, edge.edge, edge.origin, edge.timestamp),
        route: SmolStr::new(route),
        incident: edge.incident,
        kind: edge.kind,
        edge: edge.edge,
        severity,
        origin: edge.origin,
        timestamp: edge.timestamp,
        opened_at: edge.opened_at,
        count: edge.count,
        folded,
        is_broken_for_long: edge.edge != Edge::Resolved
            && is_broken_for_long(edge.opened_at, edge.count, edge.timestamp),
    }
}
