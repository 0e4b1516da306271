//! Openings that have waited: one by one, or, where there are many of one route and minute, as one message.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Map, Value, json};
use tidegate_agentping_pulse::DeliveryId;
use tidegate_agentping_pulse::incident::derived_id::group_id;
use tidegate_agentping_pulse::incident::storm::MAX_SINGLE;
use tidegate_kernel::{SmolStr, Timestamp};
use tidegate_ports::{RowKey, RowWrite, StoreError};

use super::{AlertOutbox, FollowUps, rank_at, read, row};
use crate::body::{MessageBody, type_word};
use crate::delivery::{Began, DeliveryDoc, DeliveryRef, GroupMember};
use crate::event::MessageEdge;
use crate::metrics::count_made;
use crate::rows::{delivery_key, staged_key};

const MINUTE_MS: i64 = 60_000;
/// Openings that are listed in a group's message.
const LISTED: usize = 100;
/// Openings of one group at most. More are further groups.
const MAX_MEMBERS: usize = 500;

/// The minute whose openings are grouped.
pub fn storm_minute(doc: &DeliveryDoc) -> (SmolStr, i64) {
    (doc.route.clone(), doc.timestamp.as_millis().div_euclid(MINUTE_MS))
}

impl AlertOutbox {
    /// Makes messages of openings that have waited. What is given should be all that waits of its routes and minutes. A
    /// crash in between is repeated with the same result: what a stored group has stays in it. Returns what they became.
    ///
    /// # Errors
    /// [`StoreError`]: the same call again makes the others.
    pub async fn release(&self, staged: Vec<DeliveryDoc>) -> Result<Vec<DeliveryRef>, StoreError> {
        let mut became = Vec::new();
        let mut minutes: BTreeMap<(SmolStr, i64), Vec<DeliveryDoc>> = BTreeMap::new();
        for doc in staged {
            minutes.entry(storm_minute(&doc)).or_default().push(doc);
        }
        for ((_, minute), mut openings) in minutes {
            openings.sort_by_key(|doc| (doc.timestamp, doc.incident));
            became.extend(self.release_minute(minute, openings).await?);
        }
        Ok(became)
    }

    async fn release_minute(&self, minute: i64, openings: Vec<DeliveryDoc>) -> Result<Vec<DeliveryRef>, StoreError> {
        let now = self.clock.now();
        // Kept as they were staged: their rows are removed by these keys.
        let rows: Vec<RowKey> = openings.iter().map(|doc| staged_key(&doc.route, doc.made_at, doc.id)).collect();
        let known = self.known(&openings).await?;
        let mut follow_ups = FollowUps::default();
        known.iter().flatten().try_for_each(|doc| follow_ups.add(doc))?;
        let waits = |doc: &&DeliveryDoc| doc.began == Began::Waiting;
        let mut became: Vec<DeliveryRef> = known.iter().flatten().filter(waits).map(DeliveryDoc::to_ref).collect();
        let mut new: Vec<DeliveryDoc> =
            openings.into_iter().zip(known).filter(|(_, known)| known.is_none()).map(|(doc, _)| doc).collect();
        let mut number = 0;
        // A group that was stored keeps its members, also if the process ended before they were noted.
        while let Some(first) = new.first() {
            let id = numbered_group(first, minute, number);
            let stored = self.rows.get(&[delivery_key(id)]).await?.into_iter().next().flatten();
            let group: DeliveryDoc = match stored {
                Some(doc) => read(&doc)?,
                None if new.len() > MAX_SINGLE => {
                    self.insert_group(id, &new[..new.len().min(MAX_MEMBERS)], now).await?
                }
                None => break,
            };
            let is_member = |doc: &DeliveryDoc| group.members.iter().any(|member| member.id == doc.id);
            let (grouped, others): (Vec<_>, Vec<_>) = new.into_iter().partition(is_member);
            let noted = grouped.into_iter().map(|doc| DeliveryDoc { began: Began::Grouped, made_at: now, ..doc });
            became.push(group.to_ref());
            let mut of_group = FollowUps::default();
            of_group.add(&group)?;
            // The group is sure to be sent before its members are noted as sent with it.
            self.write(Vec::new(), of_group, now).await?;
            self.write(noted.collect(), FollowUps::default(), now).await?;
            (new, number) = (others, number + 1);
        }
        let singles: Vec<DeliveryDoc> = new.into_iter().map(|doc| DeliveryDoc { made_at: now, ..doc }).collect();
        became.extend(singles.iter().map(DeliveryDoc::to_ref));
        self.write(singles, follow_ups, now).await?;
        let rank = rank_at(now) + 1;
        let removed = rows.into_iter().map(|key| RowWrite { key, rank, doc: None }).collect();
        self.rows.put(Arc::new(removed), now).await?;
        Ok(became)
    }

    /// Stores a group, unless one is there by now; returns the one that is.
    async fn insert_group(
        &self,
        id: DeliveryId,
        of: &[DeliveryDoc],
        now: Timestamp,
    ) -> Result<DeliveryDoc, StoreError> {
        let group = self.group(id, of, now);
        let key = delivery_key(id);
        let is_new = self.rows.insert(Arc::new(vec![row(key.clone(), &group, 0)?]), now).await?;
        if is_new.first() == Some(&true) {
            count_made(&group);
            return Ok(group);
        }
        match self.rows.get(&[key]).await?.into_iter().next().flatten() {
            Some(doc) => read(&doc),
            None => Ok(group),
        }
    }

    fn group(&self, id: DeliveryId, of: &[DeliveryDoc], now: Timestamp) -> DeliveryDoc {
        let first = &of[0];
        let gravest = of.iter().min_by_key(|doc| (Reverse(doc.severity), doc.alert)).unwrap_or(first);
        let settings = self.settings_of(first.team);
        let name = |doc: &DeliveryDoc| doc.agent.as_ref().map(|key| settings.names.name(key).clone());
        let incident = |doc: &DeliveryDoc| json!({"agent": name(doc), "alert": doc.alert, "incident_id": doc.incident});
        let mut data = Map::new();
        data.insert("count".to_owned(), of.len().into());
        data.insert("incidents".to_owned(), of.iter().take(LISTED).map(incident).collect::<Vec<Value>>().into());
        let body = MessageBody {
            alert: gravest.alert,
            agent: None,
            kind: type_word(gravest.alert, MessageEdge::Group).to_owned(),
            status: MessageEdge::Group.status().to_owned(),
            severity: gravest.severity,
            timestamp: first.timestamp,
            incident_id: None,
            team: self.naming.team(first.team),
            url: self.naming.page(first.team, None),
            data,
        };
        DeliveryDoc {
            id,
            team: first.team,
            route: first.route.clone(),
            incident: None,
            alert: gravest.alert,
            agent: None,
            edge: MessageEdge::Group,
            severity: gravest.severity,
            timestamp: first.timestamp,
            made_at: now,
            began: Began::Waiting,
            members: of.iter().map(|doc| GroupMember { id: doc.id, incident: doc.incident }).collect(),
            body: body.to_text(),
        }
    }
}

/// The id of a minute's first group, and of those after it.
fn numbered_group(doc: &DeliveryDoc, minute: i64, number: u32) -> DeliveryId {
    match number {
        0 => group_id(doc.team.region(), &doc.route, minute),
        number => group_id(doc.team.region(), &format!("{}#{number}", doc.route), minute),
    }
}
