//! From an event to the messages that it may become.

use tidegate_agentping_pulse::DeliveryId;
use tidegate_agentping_settings::{RouteDoc, TeamSettings};
use tidegate_kernel::{SmolStr, Timestamp};

use super::Outbox;
use crate::body::{MessageBody, type_word};
use crate::delivery::{Began, DeliveryDoc};
use crate::derived::derived_delivery_id;
use crate::event::{Addressees, AlertEvent};

impl Outbox {
    /// One message for each route that gets it.
    pub(super) fn drafts(&self, event: &AlertEvent, now: Timestamp) -> Vec<DeliveryDoc> {
        let settings = self.settings_of(event.team);
        let routes = addressed(&settings, event);
        if routes.is_empty() {
            return Vec::new();
        }
        let body = self.body(event);
        let draft = |(route, id)| DeliveryDoc {
            id,
            team: event.team,
            route,
            incident: event.incident,
            alert: event.kind,
            agent: event.agent.clone(),
            edge: event.edge,
            severity: event.severity,
            timestamp: event.timestamp,
            made_at: now,
            began: Began::Waiting,
            members: Vec::new(),
            body: body.clone(),
        };
        routes.into_iter().map(draft).collect()
    }

    /// The generic body of an event.
    pub(crate) fn body(&self, event: &AlertEvent) -> String {
        let body = MessageBody {
            alert: event.kind,
            agent: event.agent.clone(),
            kind: type_word(event.kind, event.edge).to_owned(),
            status: event.edge.status().to_owned(),
            severity: event.severity,
            timestamp: event.timestamp,
            incident_id: event.incident,
            team: self.naming.team(event.team),
            url: self.naming.page(event.team, event.agent.as_ref()),
            data: event.data.clone(),
        };
        body.to_text()
    }
}

/// The routes that get an event, with the ids of their messages.
fn addressed(settings: &TeamSettings, event: &AlertEvent) -> Vec<(SmolStr, DeliveryId)> {
    let id = |key: &str, route: &str| {
        derived_delivery_id(event.team, &["event", event.kind.as_str(), event.edge.as_str(), key, route])
    };
    let wants = |route: &RouteDoc| route.wants(event.kind, event.severity);
    match &event.to {
        Addressees::Route { route, delivery } => {
            settings.routes.contains_key(route).then(|| (route.clone(), *delivery)).into_iter().collect()
        }
        Addressees::Subscribed { key } => {
            let routes = settings.routes_of(event.agent.as_ref()).into_iter();
            routes.filter(|(_, doc)| wants(doc)).map(|(route, _)| (route.clone(), id(key, route))).collect()
        }
        Addressees::AllBut { route: without, key } => {
            let routes =
                settings.routes.iter().filter(|(route, doc)| *route != without && doc.is_serving() && wants(doc));
            routes.map(|(route, _)| (route.clone(), id(key, route))).collect()
        }
    }
}
