//! From an event to the messages that it may become.

use tidegate_agentping::{Slug, TeamId};
use tidegate_agentping_pulse::DeliveryId;
use tidegate_agentping_settings::{RouteDoc, TeamSettings};
use tidegate_kernel::{SmolStr, Timestamp};

use super::AlertOutbox;
use crate::body::{MessageBody, type_word};
use crate::delivery::{Began, DeliveryDoc};
use crate::derived::derived_delivery_id;
use crate::event::{Addressees, AlertEvent, MessageEdge};

impl AlertOutbox {
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
        let settings = self.settings_of(event.team);
        let agent = event.agent.as_ref().map(|key| match event.edge {
            // It names no agent of the team.
            MessageEdge::Test => key,
            _ => settings.names.name(key),
        });
        let body = MessageBody {
            alert: event.kind,
            agent: agent.cloned(),
            kind: type_word(event.kind, event.edge).to_owned(),
            status: event.edge.status().to_owned(),
            severity: event.severity,
            timestamp: event.timestamp,
            incident_id: event.incident,
            team: self.naming.team(event.team),
            url: self.naming.page(event.team, agent),
            data: event.data.clone(),
        };
        body.to_text()
    }

    /// The body of an earlier message with the name that its agent has now.
    pub(super) fn with_name_of_now(&self, team: TeamId, agent: Option<&Slug>, text: &str) -> String {
        let settings = self.settings_of(team);
        let name = agent.map(|key| settings.names.name(key));
        match serde_json::from_str::<MessageBody>(text) {
            Ok(body) if body.agent.as_ref() != name => {
                MessageBody { agent: name.cloned(), url: self.naming.page(team, name), ..body }.to_text()
            }
            _ => text.to_owned(),
        }
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
            // A recovery goes to whoever got the alert, whether it is still routed there or not.
            let is_sent = |doc: &RouteDoc| doc.is_serving() || event.edge != MessageEdge::Resolved;
            let found = settings.routes.get(route).filter(|doc| is_sent(doc));
            found.map(|_| (route.clone(), *delivery)).into_iter().collect()
        }
        Addressees::Subscribed { key } => {
            let name = event.agent.as_ref().map(|key| settings.names.name(key));
            let routes = settings.routes_of(name).into_iter();
            routes.filter(|(_, doc)| wants(doc)).map(|(route, _)| (route.clone(), id(key, route))).collect()
        }
        Addressees::AllBut { route: without, key } => {
            let routes =
                settings.routes.iter().filter(|(route, doc)| *route != without && doc.is_serving() && wants(doc));
            routes.map(|(route, _)| (route.clone(), id(key, route))).collect()
        }
    }
}
