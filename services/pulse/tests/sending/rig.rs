//! A sender on memory, its team, and what tests put into its outbox.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Map, Value, json};
use tidegate_agentping::{AgentId, Slug, TeamId};
use tidegate_agentping_alerts::{Addressees, AlertEvent, AlertOutbox, Delivered, MessageEdge, Messages, Naming};
use tidegate_agentping_pulse::incident::Subject;
use tidegate_agentping_pulse::incident::derived_id::{delivery_id, incident_id};
use tidegate_agentping_pulse::{AlertKind, AlertSeverity, Edge, IncidentOrigin};
use tidegate_agentping_settings::{RouteId, TeamSettings};
use tidegate_inproc::clock::TestClock;
use tidegate_inproc::documents::MemoryDocuments;
use tidegate_inproc::rows::MemoryRows;
use tidegate_kernel::{Region, SmolStr, Timestamp};
use tidegate_mirror::Mirror;
use tidegate_outbound::{Networks, Outbound, PortRule, SendLimits, TargetPolicy, Trust};
use tidegate_ports::{Clock, DocumentWrite, Documents, Expected};
use tidegate_pulse::sending::{AlertMailer, AlertSender, SendingParts};
use tokio::sync::Notify;
use tokio::task::JoinHandle;

pub const NOW: Timestamp = Timestamp::from_millis(1_800_000_000_000);
pub const TEAM: TeamId = TeamId::from_bits(Region::Eu, 7);
pub const SECRET: &str = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";

pub struct Rig {
    pub clock: Arc<TestClock>,
    pub documents: MemoryDocuments,
    pub rows: MemoryRows,
    pub mirror: Mirror<TeamSettings>,
    pub outbox: AlertOutbox,
    pub messages: Messages,
    pub mailer: Option<AlertMailer>,
    pub networks: &'static str,
    pub limits: SendLimits,
    wake: Arc<Notify>,
}

/// A sender that runs. Dropping it cuts it off, as a kill does.
pub struct Running(JoinHandle<()>);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Rig {
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
        let wake = Arc::new(Notify::new());
        let waker = wake.clone();
        let outbox = AlertOutbox::new(Arc::new(rows.clone()), mirror.clone(), shared, naming)
            .with_wake(Arc::new(move || waker.notify_one()));
        let messages = Messages::new(Arc::new(rows.clone()));
        let limits =
            SendLimits { whole: Duration::from_secs(120), connect: Duration::from_secs(60), body_bytes: 65_536 };
        Rig { clock, documents, rows, mirror, outbox, messages, mailer: None, networks: "127.0.0.1", limits, wake }
    }

    pub fn start(&self) -> Running {
        let networks = Networks::parse(Some(self.networks).filter(|text| !text.is_empty())).unwrap();
        let policy = TargetPolicy { allow_http: true, networks, ports: PortRule::OwnOrHigh };
        let parts = SendingParts {
            rows: Arc::new(self.rows.clone()),
            documents: Arc::new(self.documents.clone()),
            settings: self.mirror.clone(),
            clock: self.clock.clone(),
            outbox: self.outbox.clone(),
            client: Outbound::new(policy, self.limits, Trust::public()).unwrap(),
            mailer: self.mailer.clone(),
            user_agent: "Tidegate/test".to_owned(),
        };
        Running(tokio::spawn(AlertSender::new(parts, self.wake.clone()).run(std::future::pending())))
    }

    pub async fn set(&self, kind: &str, name: &str, doc: Value) {
        let doc = Some(doc).filter(|doc| !doc.is_null()).map(|doc| doc.to_string().into_bytes());
        let write =
            DocumentWrite { kind: kind.into(), name: name.into(), expected: Expected::Anything, doc, ends_at: None };
        self.documents.write(&TEAM.to_string(), &[write], self.clock.now()).await.unwrap();
        self.mirror.refresh(&TEAM.to_string()).await.unwrap();
    }

    /// A route with this number: `target` has its kind.
    pub async fn route(&self, number: u128, target: Value) {
        let mut doc = json!({
            "name": format!("route-{number}"), "enabled": true, "min_severity": "info", "min_interval_s": 3600,
            "reminders": true, "created_at_ms": 1,
        });
        doc.as_object_mut().unwrap().extend(target.as_object().unwrap().clone());
        self.set("route", &route(number), doc).await;
    }

    pub async fn webhook(&self, number: u128, url: String) {
        self.route(number, json!({"kind": "webhook", "url": url, "secret": SECRET, "headers": [["X-Own", "v4lue"]]}))
            .await;
    }

    pub async fn slack(&self, number: u128, url: String) {
        self.route(number, json!({"kind": "slack", "url": url})).await;
    }

    pub async fn put(&self, events: &[AlertEvent]) {
        self.outbox.put(events).await.unwrap();
    }

    pub async fn all(&self, number: u128) -> Vec<Delivered> {
        let mut all = self.messages.of_route(&route(number), None, 1_000, self.clock.now()).await.unwrap();
        all.reverse();
        all
    }

    /// Waits until a route's messages have these edges and states, in whatever order.
    pub async fn states(&self, number: u128, expected: &[&str]) {
        let mut expected = expected.to_vec();
        expected.sort_unstable();
        eventually(&format!("{expected:?}"), async || {
            let text = |one: &Delivered| format!("{} {}", one.doc.edge.as_str(), one.progress.state.as_str());
            let mut found: Vec<String> = self.all(number).await.iter().map(text).collect();
            found.sort_unstable();
            found == expected
        })
        .await;
    }

    /// Waits until the first message of a route has so many tries.
    pub async fn tries(&self, number: u128, count: usize) {
        eventually(&format!("{count} tries"), async || {
            self.all(number).await.first().is_some_and(|one| one.progress.tries.len() == count)
        })
        .await;
    }

    /// Waits until so many messages of a route have a try that is noted.
    pub async fn tried(&self, number: u128, count: usize) {
        eventually(&format!("{count} messages were tried"), async || {
            self.all(number).await.iter().filter(|one| !one.progress.tries.is_empty()).count() == count
        })
        .await;
    }

    /// Moves the clock to the next try of the first message of a route; returns the seconds moved.
    pub async fn to_next_try(&self, number: u128) -> i64 {
        let next = self.all(number).await[0].progress.next_try_at.unwrap();
        let moved_ms = next.millis_since(self.clock.now()) as i64;
        self.clock.advance_ms(moved_ms);
        moved_ms / 1_000
    }
}

pub fn route(number: u128) -> SmolStr {
    SmolStr::new(RouteId::from_bits(Region::Eu, number).text().as_str())
}

pub fn at(minute: i64) -> Timestamp {
    NOW.plus_millis(minute * 60_000)
}

/// A message to a route about the incident of an agent that began at minute 0.
pub fn message(number: u128, agent: u128, edge: Edge, minute: i64) -> AlertEvent {
    let slot = IncidentOrigin::Slot(at(minute));
    let subject = Subject { agent: AgentId::from_bits(Region::Eu, agent), kind: AlertKind::ScheduleMissed };
    let incident = incident_id(&subject, IncidentOrigin::Slot(at(0)), at(0));
    let route = route(number);
    AlertEvent {
        team: TEAM,
        agent: Some(Slug::parse(&format!("agent-{agent}")).unwrap()),
        kind: AlertKind::ScheduleMissed,
        edge: edge.into(),
        severity: if edge == Edge::Resolved { AlertSeverity::Info } else { AlertSeverity::Error },
        timestamp: at(minute),
        incident: Some(incident),
        data: Map::new(),
        to: Addressees::Route { delivery: delivery_id(Region::Eu, incident, &route, edge, slot, at(minute)), route },
    }
}

/// One that does not wait for others, since it is of no incident.
pub fn notice(number: u128, key: u32) -> AlertEvent {
    let delivery = tidegate_agentping_alerts::derived::derived_delivery_id(TEAM, &[&key.to_string(), &route(number)]);
    AlertEvent {
        team: TEAM,
        agent: None,
        kind: AlertKind::Quota,
        edge: MessageEdge::Firing,
        severity: AlertSeverity::Warning,
        timestamp: NOW,
        incident: None,
        data: json!({"percent": key}).as_object().unwrap().clone(),
        to: Addressees::Route { route: route(number), delivery },
    }
}

pub async fn eventually(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let mut tick = tokio::time::interval(Duration::from_millis(5));
    let waited = tokio::time::timeout(Duration::from_secs(60), async {
        while !holds().await {
            tick.tick().await;
        }
    });
    waited.await.unwrap_or_else(|_| panic!("not within a minute: {what}"));
}
