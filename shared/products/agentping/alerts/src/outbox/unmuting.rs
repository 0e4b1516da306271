//! The end of a mute: what is still open is sent once, and recoveries that were withheld are sent.

use std::sync::Arc;

use tidegate_kernel::Timestamp;
use tidegate_ports::{RowWrite, StoreError};

use super::{AlertOutbox, FollowUps, outbox_row, rank_at, read, row};
use crate::delivery::{Began, DeliveryDoc, DeliveryRef};
use crate::derived::derived_delivery_id;
use crate::event::MessageEdge;
use crate::outstanding::{OpenAlert, Outstanding, Withheld, WithheldWhat};
use crate::quiet::is_muted;
use crate::rows::{open_key, withheld_key};

impl AlertOutbox {
    /// Whether what waits for the end of a mute still has to.
    pub fn is_withheld(&self, withheld: &Withheld, now: Timestamp) -> bool {
        is_muted(&self.settings_of(withheld.team), withheld.agent.as_ref(), &withheld.route, now)
    }

    /// The mute has ended.
    ///
    /// # Errors
    /// [`StoreError`]: the same call again does the rest.
    pub async fn unmute(&self, withheld: &Withheld) -> Result<(), StoreError> {
        let now = self.clock.now();
        match &withheld.what {
            WithheldWhat::Message(one) => {
                // It is found among what was stored just now.
                let one = DeliveryRef { due: Some(now), asked_at: Some(now), ..one.clone() };
                self.rows.put(Arc::new(vec![outbox_row(&Outstanding::Delivery(one), rank_at(now))?]), now).await?;
            }
            WithheldWhat::Incident { incident, since_ms } => {
                let key = open_key(withheld.team, &withheld.route, *incident);
                let open = self.rows.get(std::slice::from_ref(&key)).await?.into_iter().next().flatten();
                let serves =
                    self.settings_of(withheld.team).routes.get(&withheld.route).is_some_and(|r| r.is_serving());
                if let Some(open) = open.filter(|_| serves) {
                    let open: OpenAlert = read(&open)?;
                    let since = since_ms.to_string();
                    let incident_text = incident.text();
                    let parts = ["unmuted", incident_text.as_str(), &withheld.route, &since];
                    let unmuted = DeliveryDoc {
                        id: derived_delivery_id(withheld.team, &parts),
                        team: withheld.team,
                        route: withheld.route.clone(),
                        incident: Some(*incident),
                        alert: open.alert,
                        agent: open.agent.clone(),
                        edge: MessageEdge::Unmuted,
                        severity: open.severity,
                        timestamp: open.timestamp,
                        made_at: now,
                        began: Began::Waiting,
                        members: Vec::new(),
                        body: self.with_name_of_now(withheld.team, open.agent.as_ref(), &open.body),
                    };
                    let rank = open.rank + 1;
                    let sent = OpenAlert { is_sent: true, rank, ..open };
                    let mut follow_ups = FollowUps::default();
                    follow_ups.ranked.push(row(key, &sent, rank)?);
                    self.write(vec![unmuted], follow_ups, now).await?;
                }
            }
        }
        let rank = rank_at(now).max(withheld.rank + 1);
        let removed = RowWrite { key: withheld_key(&withheld.route, &withheld.name()), rank, doc: None };
        self.rows.put(Arc::new(vec![removed]), now).await
    }
}
