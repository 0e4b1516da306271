//! An outbox on memory, and what tests put into it.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use serde_json::{Map, Value, json};
use tidegate_agentping::{AgentId, Slug, TeamId};
use tidegate_agentping_alerts::rows::{OUTBOX, SHARDS, WITHHELD, bucket_of, outbox_shard};
use tidegate_agentping_alerts::{
    Addressees, AlertEvent, AlertOutbox, MessageEdge, Messages, Naming, Outstanding, Withheld,
};
use tidegate_agentping_pulse::incident::Subject;
use tidegate_agentping_pulse::incident::derived_id::{delivery_id, incident_id};
use tidegate_agentping_pulse::{AlertKind, AlertSeverity, DeliveryId, Edge, IncidentId, IncidentOrigin};
use tidegate_agentping_settings::TeamSettings;
use tidegate_inproc::clock::TestClock;
use tidegate_inproc::documents::MemoryDocuments;
use tidegate_inproc::rows::MemoryRows;
use tidegate_kernel::{Region, SmolStr, Timestamp};
use tidegate_mirror::Mirror;
use tidegate_ports::{
    Clock, DocumentWrite, Documents, Expected, KeptRow, RowKey, RowScan, RowWrite, Rows, ScanOrder, StoreError,
};

pub const NOW: Timestamp = Timestamp::from_millis(1_800_000_000_000);
pub const TEAM: TeamId = TeamId::from_bits(Region::Eu, 7);

pub struct Rig {
    pub clock: Arc<TestClock>,
    pub documents: MemoryDocuments,
    pub rows: MemoryRows,
    pub mirror: Mirror<TeamSettings>,
    pub outbox: AlertOutbox,
    pub messages: Messages,
}

impl Rig {
    /// The team has one route, `ops`, of webhooks.
    pub async fn new() -> Self {
        let clock = Arc::new(TestClock::at(NOW));
        let shared: Arc<dyn Clock> = clock.clone();
        let documents = MemoryDocuments::new(shared.clone());
        let rows = MemoryRows::new(shared.clone());
        let mirror = Mirror::read(Arc::new(documents.clone()), shared.clone()).await.unwrap();
        let naming = Naming {
            public_url: Some("https://ping.example".to_owned()),
            team_name: Arc::new(|_| Some("Blue".to_owned())),
        };
        let outbox = AlertOutbox::new(Arc::new(rows.clone()), mirror.clone(), shared, naming);
        let messages = Messages::new(Arc::new(rows.clone()));
        let rig = Rig { clock, documents, rows, mirror, outbox, messages };
        rig.set("team", "", json!({"routes": ["ops"]})).await;
        rig.route("ops", json!({})).await;
        rig
    }

    pub async fn set(&self, kind: &str, name: &str, doc: Value) {
        let doc = Some(doc).filter(|doc| !doc.is_null()).map(|doc| doc.to_string().into_bytes());
        let write =
            DocumentWrite { kind: kind.into(), name: name.into(), expected: Expected::Anything, doc, ends_at: None };
        let space = TEAM.to_string();
        self.documents.write(&space, &[write], self.clock.now()).await.unwrap();
        self.mirror.refresh(&space).await.unwrap();
    }

    pub async fn route(&self, name: &str, members: Value) {
        let mut doc = json!({
            "name": name, "kind": "webhook", "url": "https://example.com/a", "secret": "whsec_AA==", "enabled": true,
            "min_severity": "info", "min_interval_s": 3600, "reminders": true, "created_at_ms": 1,
        });
        doc.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
        self.set("route", name, doc).await;
    }

    pub async fn mute(&self, name: &str, seconds: i64) {
        let now = self.clock.now();
        let until = now.plus_millis(seconds * 1_000).as_millis();
        self.set("mute", name, json!({"muted_at_ms": now.as_millis(), "muted_by": "key", "until_ms": until})).await;
    }

    pub async fn put(&self, events: &[AlertEvent]) {
        self.outbox.put(events).await.unwrap();
    }

    /// What waits to be sent or grouped, in the order in which it was made.
    pub async fn outgoing(&self) -> Vec<Outstanding> {
        let mut all = Vec::new();
        for shard in 0..SHARDS {
            for bucket in bucket_of(NOW)..=bucket_of(self.clock.now()) {
                all.extend(self.scan(&OUTBOX, outbox_shard(shard, bucket)).await);
            }
        }
        all.sort();
        all.into_iter().map(|(_, doc)| serde_json::from_slice(&doc).unwrap()).collect()
    }

    pub async fn withheld(&self) -> Vec<Withheld> {
        let mut all = Vec::new();
        for shard in 0..SHARDS {
            all.extend(self.scan(&WITHHELD, shard.to_string().into()).await);
        }
        all.into_iter().map(|(_, doc)| serde_json::from_slice(&doc).unwrap()).collect()
    }

    async fn scan(&self, table: &'static tidegate_ports::RowTable, shard: SmolStr) -> Vec<(SmolStr, Vec<u8>)> {
        let scan = RowScan { table, shard, after: None, order: ScanOrder::Ascending, limit: 10_000 };
        self.rows.scan(&scan).await.unwrap().into_iter().map(|row| (row.row, row.doc)).collect()
    }

    /// What a sender does with openings that have waited.
    pub async fn release(&self) {
        let staged = self.outgoing().await.into_iter().filter_map(|outgoing| match outgoing {
            Outstanding::Staged(doc) => Some(*doc),
            Outstanding::Delivery(_) => None,
        });
        self.outbox.release(staged.collect()).await.unwrap();
    }

    /// What a sender does with what was muted.
    pub async fn unmute(&self) {
        for withheld in self.withheld().await {
            if !self.outbox.is_withheld(&withheld, self.clock.now()) {
                self.outbox.unmute(&withheld).await.unwrap();
            }
        }
    }

    /// Agent, edge and state of the messages of a route, the oldest first.
    pub async fn listed(&self, route: &str) -> Vec<String> {
        let mut all = self.messages.of_route(route, None, 1_000, self.clock.now()).await.unwrap();
        all.reverse();
        let text = |one: &tidegate_agentping_alerts::Delivered| {
            let agent = one.doc.agent.as_ref().map_or("-", |agent| agent.as_str());
            format!("{agent} {} {}", one.doc.edge.as_str(), one.progress.state.as_str())
        };
        all.iter().map(text).collect()
    }
}

pub fn incident(agent: u128, minute: i64) -> IncidentId {
    incident_id(&subject(agent), IncidentOrigin::Slot(at(minute)), at(minute))
}

fn subject(agent: u128) -> Subject {
    Subject { agent: AgentId::from_bits(Region::Eu, agent), kind: AlertKind::ScheduleMissed }
}

pub fn at(minute: i64) -> Timestamp {
    NOW.plus_millis(minute * 60_000)
}

pub fn message_id(agent: u128, edge: Edge, minute: i64, route: &str) -> DeliveryId {
    let slot = IncidentOrigin::Slot(at(minute));
    delivery_id(Region::Eu, incident(agent, 0), route, edge, slot, at(minute))
}

/// A message of the incident that began at minute 0, to `ops`.
pub fn event(agent: u128, edge: Edge, minute: i64) -> AlertEvent {
    event_to("ops", agent, edge, minute)
}

pub fn event_to(route: &str, agent: u128, edge: Edge, minute: i64) -> AlertEvent {
    let mut data = Map::new();
    data.insert("schedule".to_owned(), "*/5 * * * *".into());
    AlertEvent {
        team: TEAM,
        agent: Some(Slug::parse(&format!("agent-{agent}")).unwrap()),
        kind: AlertKind::ScheduleMissed,
        edge: edge.into(),
        severity: if edge == Edge::Resolved { AlertSeverity::Info } else { AlertSeverity::Error },
        timestamp: at(minute),
        incident: Some(incident(agent, 0)),
        data,
        to: Addressees::Route { route: route.into(), delivery: message_id(agent, edge, minute, route) },
    }
}

/// An event about the team, to whoever wants it.
pub fn quota(percent: u32) -> AlertEvent {
    let severity = if percent > 100 { AlertSeverity::Critical } else { AlertSeverity::Warning };
    let data = json!({"percent": percent, "events": 10, "allowance": 10});
    AlertEvent {
        team: TEAM,
        agent: None,
        kind: AlertKind::Quota,
        edge: MessageEdge::Firing,
        severity,
        timestamp: NOW,
        incident: None,
        data: data.as_object().unwrap().clone(),
        to: Addressees::Subscribed { key: format!("2026-01/{percent}") },
    }
}

/// The rig's outbox, whose write with this number fails, and every one after it.
pub fn failing(rig: &Rig, from: usize) -> AlertOutbox {
    let rows = FailingRows { rows: rig.rows.clone(), left: AtomicUsize::new(from) };
    let naming = Naming {
        public_url: Some("https://ping.example".to_owned()),
        team_name: Arc::new(|_| Some("Blue".to_owned())),
    };
    AlertOutbox::new(Arc::new(rows), rig.mirror.clone(), rig.clock.clone(), naming)
}

struct FailingRows {
    rows: MemoryRows,
    left: AtomicUsize,
}

impl FailingRows {
    fn write(&self) -> Result<(), StoreError> {
        let left = self.left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1));
        left.map(|_| ()).map_err(|_| StoreError::Unavailable("cut".into()))
    }
}

#[async_trait]
impl Rows for FailingRows {
    async fn put(&self, rows: Arc<Vec<RowWrite>>, now: Timestamp) -> Result<(), StoreError> {
        self.write()?;
        self.rows.put(rows, now).await
    }

    async fn insert(&self, rows: Arc<Vec<RowWrite>>, now: Timestamp) -> Result<Vec<bool>, StoreError> {
        self.write()?;
        self.rows.insert(rows, now).await
    }

    async fn get(&self, keys: &[RowKey]) -> Result<Vec<Option<Vec<u8>>>, StoreError> {
        self.rows.get(keys).await
    }

    async fn scan(&self, scan: &RowScan) -> Result<Vec<KeptRow>, StoreError> {
        self.rows.scan(scan).await
    }

    async fn purge_rows(&self, now: Timestamp, limit: usize) -> Result<usize, StoreError> {
        self.rows.purge_rows(now, limit).await
    }
}
