//! The outbox: from what happened to stored messages, each once whoever says it how often.
//!
//! Every id is derived, and the first one who writes a message decides whether it is muted. A row that says that something
//! is to be sent follows the message itself, so that whoever repeats an event after a crash writes what is missing.

use std::collections::{BTreeMap, HashSet};
use std::fmt;
use std::sync::Arc;

use tidegate_agentping::TeamId;
use tidegate_agentping_pulse::IncidentId;
use tidegate_agentping_settings::{RouteDoc, TeamSettings};
use tidegate_kernel::{SmolStr, Timestamp};
use tidegate_mirror::Mirror;
use tidegate_ports::{Clock, RowKey, RowWrite, Rows, StoreError};

use crate::delivery::{Began, DeliveryDoc, DeliveryRef};
use crate::event::{AlertEvent, MessageEdge};
use crate::metrics::{count_made, register};
use crate::naming::Naming;
use crate::outstanding::{OpenAlert, Outstanding, Withheld, WithheldWhat};
use crate::quiet::is_muted;
use crate::rows::{
    ROUTE_DELIVERIES, delivery_key, incident_key, open_key, outbox_key, staged_key, timed_key, withheld_key,
};

mod asking;
mod drafts;
mod release;
mod unmuting;

pub use release::storm_minute;

/// Stores messages. Cheap to clone.
#[derive(Clone)]
pub struct AlertOutbox {
    pub(crate) rows: Arc<dyn Rows>,
    pub(crate) settings: Mirror<TeamSettings>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) naming: Naming,
    wake: Arc<dyn Fn() + Send + Sync>,
}

impl fmt::Debug for AlertOutbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AlertOutbox").field("naming", &self.naming).finish_non_exhaustive()
    }
}

/// What was made within this time is looked for all the time by the sender.
const SOON_FOUND_MS: u64 = 100_000;

/// The open incidents of the routes of some messages, as they are and as they become.
type OpenAlerts = BTreeMap<(SmolStr, IncidentId), OpenAlert>;

/// Rows to write after the messages themselves.
#[derive(Default)]
struct FollowUps {
    listed: Vec<RowWrite>,
    ranked: Vec<RowWrite>,
}

impl AlertOutbox {
    /// Registers its metrics: the process's recorder must be installed before.
    pub fn new(rows: Arc<dyn Rows>, settings: Mirror<TeamSettings>, clock: Arc<dyn Clock>, naming: Naming) -> Self {
        register();
        AlertOutbox { rows, settings, clock, naming, wake: Arc::new(|| ()) }
    }

    /// `wake` is called after something was stored that is to be sent: a sender in this process looks at once.
    #[must_use]
    pub fn with_wake(self, wake: Arc<dyn Fn() + Send + Sync>) -> Self {
        AlertOutbox { wake, ..self }
    }

    /// What messages say of where they come from.
    pub fn naming(&self) -> &Naming {
        &self.naming
    }

    /// The same with another copy of the settings.
    #[must_use]
    pub fn with_settings(self, settings: Mirror<TeamSettings>) -> Self {
        AlertOutbox { settings, ..self }
    }

    /// Stores the messages of events. A repeat changes nothing.
    ///
    /// # Errors
    /// [`StoreError`]: some messages may be stored; the same call again stores the others.
    pub async fn put(&self, events: &[AlertEvent]) -> Result<(), StoreError> {
        let now = self.clock.now();
        let mut seen = HashSet::new();
        let drafts = events.iter().flat_map(|event| self.drafts(event, now));
        let drafts: Vec<DeliveryDoc> = drafts.filter(|draft| seen.insert(draft.id)).collect();
        self.put_drafts(drafts, now).await
    }

    pub(crate) async fn put_drafts(&self, drafts: Vec<DeliveryDoc>, now: Timestamp) -> Result<(), StoreError> {
        if drafts.is_empty() {
            return Ok(());
        }
        let known = self.known(&drafts).await?;
        let mut open = self.open_alerts(&drafts).await?;
        let (mut staged, mut made) = (Vec::new(), Vec::new());
        let mut follow_ups = FollowUps::default();
        for (draft, known) in drafts.into_iter().zip(known) {
            if let Some(doc) = known {
                follow_ups.ranked.extend(note_open(&mut open, &doc));
                follow_ups.add(&doc)?;
                if doc.began == Began::Waiting && now.millis_since(doc.made_at) > SOON_FOUND_MS {
                    // The row may have been missing until now, and what is as old is looked for seldom.
                    let again = DeliveryRef { asked_at: Some(now), ..doc.to_ref() };
                    follow_ups.ranked.push(outbox_row(&Outstanding::Delivery(again), rank_at(now))?);
                }
                continue;
            }
            let settings = self.settings_of(draft.team);
            let doc = DeliveryDoc { began: begin(&settings, &draft, &open, now), ..draft };
            follow_ups.ranked.extend(note_open(&mut open, &doc));
            match doc.began == Began::Waiting && is_staged(&settings, &doc) {
                true => staged.push(doc),
                false => made.push(doc),
            }
        }
        for doc in staged {
            let made_at = doc.made_at;
            follow_ups.ranked.push(outbox_row(&Outstanding::Staged(Box::new(doc)), rank_at(made_at))?);
        }
        self.write(made, follow_ups, now).await
    }

    /// Stores the messages first, then what lists them, then what sends them.
    async fn write(&self, made: Vec<DeliveryDoc>, mut follow_ups: FollowUps, now: Timestamp) -> Result<(), StoreError> {
        if !made.is_empty() {
            let writes = made.iter().map(|doc| row(delivery_key(doc.id), doc, 0)).collect::<Result<Vec<_>, _>>()?;
            let is_new = self.rows.insert(Arc::new(writes), now).await?;
            let (new, taken): (Vec<_>, Vec<_>) = made.iter().zip(is_new).partition(|(_, is_new)| *is_new);
            new.iter().for_each(|(doc, _)| count_made(doc));
            new.into_iter().try_for_each(|(doc, _)| follow_ups.add(doc))?;
            // Someone else was first: what belongs to that message is written.
            let taken: Vec<RowKey> = taken.into_iter().map(|(doc, _)| delivery_key(doc.id)).collect();
            for doc in self.rows.get(&taken).await?.into_iter().flatten() {
                follow_ups.add(&read(&doc)?)?;
            }
        }
        if !follow_ups.listed.is_empty() {
            self.rows.insert(Arc::new(follow_ups.listed), now).await?;
        }
        if !follow_ups.ranked.is_empty() {
            self.rows.put(Arc::new(follow_ups.ranked), now).await?;
        }
        (self.wake)();
        Ok(())
    }

    async fn known(&self, drafts: &[DeliveryDoc]) -> Result<Vec<Option<DeliveryDoc>>, StoreError> {
        let keys: Vec<RowKey> = drafts.iter().map(|draft| delivery_key(draft.id)).collect();
        let found = self.rows.get(&keys).await?;
        found.into_iter().map(|doc| doc.map(|doc| read(&doc)).transpose()).collect()
    }

    async fn open_alerts(&self, drafts: &[DeliveryDoc]) -> Result<OpenAlerts, StoreError> {
        let mut wanted: Vec<(TeamId, SmolStr, IncidentId)> =
            drafts.iter().filter_map(|draft| Some((draft.team, draft.route.clone(), draft.incident?))).collect();
        wanted.sort_unstable();
        wanted.dedup();
        let keys: Vec<RowKey> =
            wanted.iter().map(|(team, route, incident)| open_key(*team, route, *incident)).collect();
        let found = self.rows.get(&keys).await?;
        let mut open = OpenAlerts::new();
        for ((_, route, incident), doc) in wanted.into_iter().zip(found) {
            if let Some(doc) = doc {
                open.insert((route, incident), read(&doc)?);
            }
        }
        Ok(open)
    }

    pub(crate) fn settings_of(&self, team: TeamId) -> Arc<TeamSettings> {
        self.settings.get(team.text().as_str()).unwrap_or_default()
    }
}

/// How a message begins.
fn begin(settings: &TeamSettings, draft: &DeliveryDoc, open: &OpenAlerts, now: Timestamp) -> Began {
    let muted = is_muted(settings, draft.agent.as_ref(), &draft.route, now);
    match (draft.edge, draft.incident) {
        _ if draft.began == Began::Asking => Began::Asking,
        (MessageEdge::Test | MessageEdge::Unmuted, _) => Began::Waiting,
        (MessageEdge::Resolved, Some(incident)) => {
            let got = open.get(&(draft.route.clone(), incident)).is_none_or(|open| open.is_sent);
            let is_pager = settings.routes.get(&draft.route).is_some_and(RouteDoc::holds_open);
            match (got, muted) {
                // Its alert was muted as well.
                (false, _) => Began::Muted,
                (true, true) if !is_pager => Began::Withheld,
                (true, _) => Began::Waiting,
            }
        }
        _ if muted => Began::Muted,
        _ => Began::Waiting,
    }
}

/// Openings wait for others of their minute, but for those to PagerDuty: there each incident is resolved by its own key.
fn is_staged(settings: &TeamSettings, doc: &DeliveryDoc) -> bool {
    let is_pager = settings.routes.get(&doc.route).is_some_and(RouteDoc::holds_open);
    doc.edge == MessageEdge::Firing && doc.incident.is_some() && !is_pager
}

/// What a message changes about the open incidents of its route. One that is flapping is none: of its end nothing is
/// sent.
fn note_open(open: &mut OpenAlerts, doc: &DeliveryDoc) -> Option<RowWrite> {
    let incident = doc.incident.filter(|_| doc.edge != MessageEdge::Flapping)?;
    let place = (doc.route.clone(), incident);
    let before = open.get(&place);
    let stamp = rank_at(doc.timestamp);
    let rank = before.map_or(stamp, |before| stamp.max(before.rank + 1));
    let key = open_key(doc.team, &doc.route, incident);
    if doc.edge == MessageEdge::Resolved {
        open.remove(&place);
        return Some(RowWrite { key, rank, doc: None });
    }
    let is_sent = before.is_some_and(|before| before.is_sent) || doc.began != Began::Muted;
    let now_open = OpenAlert {
        agent: doc.agent.clone(),
        alert: doc.alert,
        severity: doc.severity,
        timestamp: doc.timestamp,
        is_sent,
        body: doc.body.clone(),
        rank,
    };
    let write = row(key, &now_open, rank).ok();
    open.insert(place, now_open);
    write
}

impl FollowUps {
    /// What belongs to a stored message.
    fn add(&mut self, doc: &DeliveryDoc) -> Result<(), StoreError> {
        let one = doc.to_ref();
        if doc.is_listed() {
            self.listed.push(row(timed_key(&ROUTE_DELIVERIES, &doc.route, doc.made_at, doc.id), &one, 0)?);
            for incident in &one.incidents {
                self.listed.push(row(incident_key(*incident, doc.made_at, doc.id), &one, 0)?);
            }
        }
        match doc.began {
            Began::Waiting | Began::Asking => {
                self.ranked.push(outbox_row(&Outstanding::Delivery(one), rank_at(doc.made_at))?)
            }
            Began::Withheld => self.ranked.push(withheld_row(doc, WithheldWhat::Message(one))?),
            Began::Muted => {
                let is_open = !matches!(doc.edge, MessageEdge::Resolved | MessageEdge::Flapping);
                if let Some(incident) = doc.incident.filter(|_| is_open) {
                    let what = WithheldWhat::Incident { incident, since_ms: doc.timestamp };
                    self.ranked.push(withheld_row(doc, what)?);
                }
            }
            Began::Grouped => {}
        }
        Ok(())
    }
}

fn withheld_row(doc: &DeliveryDoc, what: WithheldWhat) -> Result<RowWrite, StoreError> {
    let rank = rank_at(doc.made_at);
    let withheld = Withheld { team: doc.team, route: doc.route.clone(), agent: doc.agent.clone(), what, rank };
    row(withheld_key(&doc.route, &withheld.name()), &withheld, rank)
}

/// The row of what waits.
///
/// # Errors
/// [`StoreError::Refused`]: it cannot be written as JSON.
pub fn outbox_row(outstanding: &Outstanding, rank: u64) -> Result<RowWrite, StoreError> {
    let one = outstanding.to_ref();
    let key = match outstanding {
        Outstanding::Staged(_) => staged_key(&one.route, one.made_at, one.id),
        Outstanding::Delivery(_) => outbox_key(&one),
    };
    row(key, outstanding, rank)
}

/// The rank of a row that holds as of an instant.
pub fn rank_at(instant: Timestamp) -> u64 {
    u64::try_from(instant.as_millis()).unwrap_or(0)
}

/// A row with this document.
///
/// # Errors
/// [`StoreError::Refused`]: it cannot be written as JSON.
pub fn row(key: RowKey, doc: &impl serde::Serialize, rank: u64) -> Result<RowWrite, StoreError> {
    let doc = serde_json::to_vec(doc).map_err(|error| StoreError::Refused(error.to_string().into()))?;
    Ok(RowWrite { key, rank, doc: Some(doc) })
}

/// Reads a document of a row.
///
/// # Errors
/// [`StoreError::Broken`]: it is not one of these.
pub fn read<T: serde::de::DeserializeOwned>(doc: &[u8]) -> Result<T, StoreError> {
    serde_json::from_slice(doc).map_err(|error| StoreError::Broken(format!("a row of messages: {error}").into()))
}
