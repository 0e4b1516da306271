//! Disables a route whose receiver is gone, and says so to the team's other routes.

use serde_json::json;
use tidegate_agentping_alerts::{Addressees, AlertEvent, DeliveryDoc, MessageEdge};
use tidegate_agentping_pulse::{AlertKind, AlertSeverity};
use tidegate_agentping_settings::{RouteDisabled, RouteDoc, kinds};
use tidegate_kernel::Timestamp;
use tidegate_ports::{DocumentWrite, Expected, StoreError, Written};

use super::attempt::Attempts;
use super::metrics::DISABLED;

impl Attempts {
    /// Says it first, then does it: if the process ends in between, the same message is tried again, fails again, and
    /// says the same.
    pub(super) async fn disable(&self, doc: &DeliveryDoc, reason: &str, now: Timestamp) -> Result<(), StoreError> {
        let (documents, space) = (&self.parts.documents, doc.team.text());
        loop {
            let found = documents.get(space.as_str(), kinds::ROUTE, &doc.route).await?;
            let Some(found) = found else { return Ok(()) };
            let route: Option<RouteDoc> = serde_json::from_slice(&found.doc).ok();
            let Some(mut route) = route.filter(|route| route.disabled.is_none()) else { return Ok(()) };
            self.say_disabled(doc, &route, reason, now).await?;
            route.disabled = Some(RouteDisabled { at: now, reason: reason.to_owned() });
            let bytes = serde_json::to_vec(&route).map_err(|error| StoreError::Refused(error.to_string().into()))?;
            let write = DocumentWrite {
                kind: kinds::ROUTE.into(),
                name: doc.route.clone(),
                expected: Expected::Version(found.version),
                doc: Some(bytes),
                ends_at: None,
            };
            if documents.write(space.as_str(), &[write], now).await? == Written::Done {
                DISABLED.with([("kind", route.target.kind())]).increment(1);
                tracing::warn!(team = %doc.team, route = %doc.route, reason, "a route of alerts is disabled");
                self.forget_health(&doc.route);
                return self.parts.settings.refresh(space.as_str()).await;
            }
        }
    }

    async fn say_disabled(
        &self,
        doc: &DeliveryDoc,
        route: &RouteDoc,
        reason: &str,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let data = json!({"route": route.name, "reason": reason});
        let event = AlertEvent {
            team: doc.team,
            agent: None,
            kind: AlertKind::RouteDisabled,
            edge: MessageEdge::Firing,
            severity: AlertSeverity::Warning,
            timestamp: now,
            incident: None,
            data: data.as_object().cloned().unwrap_or_default(),
            to: Addressees::AllBut { route: doc.route.clone(), key: doc.id.text().as_str().to_owned() },
        };
        self.parts.outbox.put(&[event]).await
    }
}
