//! Messages that people ask for: a test, one once more, and the question whether an address wants any.

use std::sync::Arc;

use serde_json::Map;
use tidegate_agentping::{Slug, TeamId};
use tidegate_agentping_pulse::{AlertKind, AlertSeverity, DeliveryId};
use tidegate_agentping_settings::{MailTarget, RouteId};
use tidegate_kernel::{SmolStr, Timestamp};
use tidegate_ports::{Ids, StoreError};

use super::{AlertOutbox, FollowUps, outbox_row, row};
use crate::body::{MessageBody, type_word};
use crate::delivery::{Began, DeliveryDoc, DeliveryRef, DeliveryState};
use crate::derived::derived_delivery_id;
use crate::event::MessageEdge;
use crate::metrics::count_resent;
use crate::outstanding::Outstanding;
use crate::reading::{Delivered, Messages};
use crate::rows::{DELIVERY_PROGRESS, timed_key};

impl AlertOutbox {
    /// Stores a test of a route, which is tried once; its progress says what came of it.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn test(&self, team: TeamId, route: RouteId, ids: &dyn Ids) -> Result<DeliveryId, StoreError> {
        let now = self.clock.now();
        let agent = Slug::parse("test").ok();
        let body = MessageBody {
            alert: AlertKind::Test,
            agent: agent.clone(),
            kind: type_word(AlertKind::Test, MessageEdge::Test).to_owned(),
            status: MessageEdge::Test.status().to_owned(),
            severity: AlertSeverity::Info,
            timestamp: now,
            incident_id: None,
            team: self.naming.team(team),
            url: self.naming.page(team, None),
            data: Map::new(),
        };
        let doc = DeliveryDoc { agent, body: body.to_text(), ..blank(ids.mint(team.region(), now), team, route, now) };
        let id = doc.id;
        self.write(vec![doc], FollowUps::default(), now).await?;
        Ok(id)
    }

    /// Stores the question to a mail address. Once for each token.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn ask(&self, team: TeamId, route: RouteId, mail: &MailTarget) -> Result<(), StoreError> {
        let now = self.clock.now();
        let id = derived_delivery_id(team, &["ask", route.text().as_str(), mail.token.reveal()]);
        let doc = DeliveryDoc { began: Began::Asking, ..blank(id, team, route, now) };
        self.write(vec![doc], FollowUps::default(), now).await
    }

    /// A message is tried again from the beginning, whatever became of it, with the same id. `None`: the team has no such
    /// message.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn resend(&self, team: TeamId, id: DeliveryId) -> Result<Option<Delivered>, StoreError> {
        let now = self.clock.now();
        let Some(Delivered { doc, mut progress }) = Messages::new(self.rows.clone()).one(team, id).await? else {
            return Ok(None);
        };
        let had_ended = progress.state.is_finished();
        progress.state = DeliveryState::Waiting;
        progress.before = progress.tries.len();
        (progress.next_try_at, progress.reason) = (Some(now), None);
        progress.rank = u64::try_from(now.as_millis()).unwrap_or(0).max(progress.rank).saturating_add(1);
        let key = timed_key(&DELIVERY_PROGRESS, &doc.route, doc.made_at, doc.id);
        self.rows.put(Arc::new(vec![row(key, &progress, progress.rank)?]), now).await?;
        if had_ended {
            count_resent();
        }
        // It is found among what was stored just now, whenever it was made.
        let again = Outstanding::Delivery(DeliveryRef { due: Some(now), asked_at: Some(now), ..doc.to_ref() });
        self.rows.put(Arc::new(vec![outbox_row(&again, progress.rank)?]), now).await?;
        (self.wake)();
        Ok(Some(Delivered { doc, progress }))
    }
}

fn blank(id: DeliveryId, team: TeamId, route: RouteId, now: Timestamp) -> DeliveryDoc {
    DeliveryDoc {
        id,
        team,
        route: SmolStr::new(route.text().as_str()),
        incident: None,
        alert: AlertKind::Test,
        agent: None,
        edge: MessageEdge::Test,
        severity: AlertSeverity::Info,
        timestamp: now,
        made_at: now,
        began: Began::Waiting,
        members: Vec::new(),
        body: String::new(),
    }
}
