//! From results of checks to incidents and messages, and what ends an incident with its check.

use std::sync::Arc;

use serde_json::{Value, json};
use tidegate_agentping::{Plan, RunKey};
use tidegate_agentping_alerts::{AlertOutbox, Delivered, Messages, Naming};
use tidegate_agentping_checks::{CheckDoc, CheckId, CheckOutcome};
use tidegate_agentping_pulse::IncidentOrigin;
use tidegate_agentping_settings::{AgentDoc, RouteId, TeamSettings, kinds};
use tidegate_agentping_testkit::{NOON, run_id, slug, team};
use tidegate_agentping_verdicts::{IncidentDoc, IncidentQuery, check_track_key};
use tidegate_inproc::clock::TestClock;
use tidegate_inproc::documents::MemoryDocuments;
use tidegate_inproc::rows::MemoryRows;
use tidegate_kernel::{Region, Timestamp};
use tidegate_mirror::Mirror;
use tidegate_ports::{Clock, DocumentWrite, Documents, Expected, RowWrite, Rows};
use tidegate_pulse::checks::{CheckAlerts, CheckEvent};

struct Alerted {
    clock: Arc<TestClock>,
    documents: MemoryDocuments,
    rows: MemoryRows,
    mirror: Mirror<TeamSettings>,
    alerts: CheckAlerts,
}

fn check() -> String {
    CheckId::from_bits(Region::Eu, 1).to_string()
}

fn route() -> String {
    RouteId::from_bits(Region::Eu, 1).to_string()
}

fn after(seconds: i64) -> Timestamp {
    NOON.plus_millis(seconds * 1_000)
}

impl Alerted {
    /// A team with a check of the agent `daily`, and a pager: its messages wait for no others.
    async fn new() -> Self {
        let clock = Arc::new(TestClock::at(NOON));
        let documents = MemoryDocuments::new(clock.clone());
        let rows = MemoryRows::new(clock.clone());
        let mirror = Mirror::read(Arc::new(documents.clone()), clock.clone()).await.unwrap();
        let alerts = alerts(&rows, &mirror, &clock);
        let alerted = Alerted { clock, documents, rows, mirror, alerts };
        let pager = json!({
            "name": "ops", "kind": "pagerduty", "routing_key": "key", "enabled": true, "min_severity": "info",
            "min_interval_s": 3600, "reminders": true, "created_at_ms": 1,
        });
        alerted.set(kinds::ROUTE, &route(), Some(pager)).await;
        alerted.set(kinds::TEAM, kinds::WHOLE_TEAM, Some(json!({"routes": ["ops"]}))).await;
        alerted.set_check(&alerted.parsed()).await;
        alerted
    }

    /// A new process.
    fn restart(&mut self) {
        self.alerts = alerts(&self.rows, &self.mirror, &self.clock);
    }

    fn parsed(&self) -> CheckDoc {
        let members = json!({"name": "short", "type": "length", "unit": "characters", "max": 3});
        CheckDoc::parse("daily", &members, Plan::Team, self.clock.now()).unwrap()
    }

    async fn set_check(&self, doc: &CheckDoc) {
        self.set(kinds::CHECK, &check(), Some(serde_json::to_value(doc).unwrap())).await;
    }

    async fn set(&self, kind: &str, name: &str, doc: Option<Value>) {
        let doc = doc.map(|doc| doc.to_string().into_bytes());
        let write =
            DocumentWrite { kind: kind.into(), name: name.into(), expected: Expected::Anything, doc, ends_at: None };
        self.documents.write(&team(1).to_string(), &[write], self.clock.now()).await.unwrap();
        self.mirror.refresh(&team(1).to_string()).await.unwrap();
    }

    /// A run that ended then has come out so. Each takes a second, which orders their messages.
    async fn take(&mut self, run: u128, ended_at: Timestamp, outcome: CheckOutcome) {
        self.clock.advance_ms(1_000);
        let event = CheckEvent {
            team: team(1),
            agent: slug("daily"),
            run: RunKey { team: team(1), run: run_id(run) },
            check: check().into(),
            check_name: "short".into(),
            alert_after: 1,
            ended_at,
            outcome,
        };
        self.alerts.take(&mut vec![event]).await.unwrap();
    }

    async fn end(&mut self) {
        self.clock.advance_ms(1_000);
        self.alerts.end(self.clock.now()).await.unwrap();
    }

    /// What is stored of the check.
    async fn track(&self) -> Value {
        let key = check_track_key(team(1), &check());
        let found = self.rows.get(std::slice::from_ref(&key)).await.unwrap().remove(0).unwrap();
        serde_json::from_slice(&found).unwrap()
    }

    /// Stores this of the check, whatever is there.
    async fn put_track(&self, mut kept: Value) {
        let rank = self.track().await["rank"].as_u64().unwrap() + 1;
        kept["rank"] = rank.into();
        let row = RowWrite { key: check_track_key(team(1), &check()), rank, doc: Some(kept.to_string().into_bytes()) };
        self.rows.put(Arc::new(vec![row]), self.clock.now()).await.unwrap();
    }

    /// Messages, the oldest first.
    async fn messages(&self) -> Vec<Delivered> {
        let messages = Messages::new(Arc::new(self.rows.clone()));
        let mut all = messages.of_route(&route(), None, 1_000, self.clock.now()).await.unwrap();
        all.reverse();
        all
    }

    async fn edges(&self) -> Vec<&'static str> {
        self.messages().await.iter().map(|message| message.doc.edge.as_str()).collect()
    }

    async fn incidents(&self) -> Vec<IncidentDoc> {
        let (agent, kind, is_open, after) = (None, None, None, None);
        let query = IncidentQuery { team: team(1), agent, kind, is_open, after, limit: 1_000 };
        query.read(&self.rows, self.clock.now()).await.unwrap()
    }

    async fn open(&self) -> usize {
        self.incidents().await.iter().filter(|incident| incident.is_open()).count()
    }
}

fn alerts(rows: &MemoryRows, mirror: &Mirror<TeamSettings>, clock: &Arc<TestClock>) -> CheckAlerts {
    let rows = Arc::new(rows.clone());
    let outbox = AlertOutbox::new(rows.clone(), mirror.clone(), clock.clone(), Naming::none());
    CheckAlerts::new(rows, outbox, mirror.clone(), clock.clone())
}

/// A run is judged again within ten minutes: that it fails once more is another incident with messages of its own, and
/// whoever finds it has the same ids.
#[tokio::test]
async fn a_run_that_fails_passes_and_fails_has_two_incidents() {
    let mut ids = Vec::new();
    for restarts in [false, true] {
        let mut alerted = Alerted::new().await;
        for outcome in [CheckOutcome::Fail, CheckOutcome::Pass, CheckOutcome::Fail, CheckOutcome::Fail] {
            alerted.take(1, NOON, outcome).await;
            if restarts {
                alerted.restart();
            }
        }
        assert_eq!(alerted.edges().await, ["firing", "resolved", "firing"]);
        assert_eq!((alerted.incidents().await.len(), alerted.open().await), (2, 1));
        alerted.take(2, after(60), CheckOutcome::Pass).await;
        assert_eq!((alerted.edges().await.len(), alerted.open().await), (4, 0));
        ids.push(alerted.messages().await.iter().map(|message| message.doc.id).collect::<Vec<_>>());
    }
    assert_eq!(ids[0], ids[1]);
}

/// What ends a check.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ending {
    Removed,
    SwitchedOff,
    AgentDeleted,
}

/// The incident of a check ends with the check and with its agent, once, with a message to whoever got its opening.
#[tokio::test]
async fn an_incident_ends_with_its_check() {
    for ending in [Ending::Removed, Ending::SwitchedOff, Ending::AgentDeleted] {
        let mut alerted = Alerted::new().await;
        alerted.take(1, NOON, CheckOutcome::Fail).await;
        alerted.end().await;
        assert_eq!((alerted.edges().await, alerted.open().await), (vec!["firing"], 1), "{ending:?}");
        alerted.clock.set(after(60));
        let doc = alerted.parsed();
        let deleted = AgentDoc { deleted_at: Some(after(60)), ..AgentDoc::default() };
        match ending {
            Ending::Removed => alerted.set(kinds::CHECK, &check(), None).await,
            Ending::SwitchedOff => alerted.set_check(&CheckDoc { enabled: false, ..doc.clone() }).await,
            Ending::AgentDeleted => {
                alerted.set(kinds::AGENT, "daily", Some(serde_json::to_value(&deleted).unwrap())).await;
            }
        }
        alerted.end().await;
        // When a check was removed is known once it is found.
        let ended_at = if ending == Ending::Removed { after(61) } else { after(60) };
        let incidents = alerted.incidents().await;
        let [incident] = &incidents[..] else { panic!("{ending:?}") };
        assert_eq!(incident.resolved_at, Some(ended_at), "{ending:?}");
        assert_eq!(incident.resolved_by, Some(IncidentOrigin::Slot(ended_at)), "{ending:?}");
        alerted.end().await;
        alerted.restart();
        alerted.end().await;
        // A result that comes late is of a check that is over.
        alerted.take(2, after(30), CheckOutcome::Fail).await;
        assert_eq!(alerted.edges().await, ["firing", "resolved"], "{ending:?}");
        let last = alerted.messages().await.pop().unwrap();
        assert!(last.doc.body.contains(r#""check":"short""#), "{}", last.doc.body);
        // It counts from the beginning where it goes on.
        alerted.set_check(&doc).await;
        alerted.take(3, after(120), CheckOutcome::Fail).await;
        alerted.end().await;
        assert_eq!((alerted.edges().await.len(), alerted.open().await), (3, 1), "{ending:?}");
    }
}

/// A row of a build that did not keep the agent: the incident says whose it is.
#[tokio::test]
async fn an_incident_of_an_earlier_build_ends_with_its_check() {
    let mut alerted = Alerted::new().await;
    alerted.take(1, NOON, CheckOutcome::Fail).await;
    let mut kept = alerted.track().await;
    let last = kept["last"].as_object_mut().unwrap();
    assert!(last.remove("agent").is_some() && last.remove("check_name").is_some());
    alerted.put_track(kept).await;
    alerted.set(kinds::CHECK, &check(), None).await;
    alerted.end().await;
    assert_eq!((alerted.edges().await, alerted.open().await), (vec!["firing", "resolved"], 0));
}

/// Two judges end the incident of a check, each at its own instant, since both have read its row before the other one
/// has written it; also where the check is switched off and then removed in between.
#[tokio::test]
async fn two_judges_that_end_an_incident_send_one_recovery() {
    for ending in [Ending::Removed, Ending::SwitchedOff] {
        let mut alerted = Alerted::new().await;
        alerted.take(1, NOON, CheckOutcome::Fail).await;
        let read_by_both = alerted.track().await;
        alerted.clock.set(after(60));
        if ending == Ending::SwitchedOff {
            alerted.set_check(&CheckDoc { enabled: false, ..alerted.parsed() }).await;
        } else {
            alerted.set(kinds::CHECK, &check(), None).await;
        }
        alerted.end().await;
        assert_eq!((alerted.edges().await, alerted.open().await), (vec!["firing", "resolved"], 0), "{ending:?}");
        let recovery = alerted.messages().await.pop();
        alerted.put_track(read_by_both).await;
        alerted.set(kinds::CHECK, &check(), None).await;
        alerted.restart();
        alerted.end().await;
        assert_eq!((alerted.edges().await, alerted.open().await), (vec!["firing", "resolved"], 0), "{ending:?}");
        assert_eq!(alerted.messages().await.pop(), recovery, "{ending:?}");
    }
}

/// A check that goes on under its id, as a configuration has it, is over a second time when it is removed a second time.
#[tokio::test]
async fn a_check_can_be_removed_twice() {
    let mut alerted = Alerted::new().await;
    let doc = alerted.parsed();
    for (run, minute) in [(1, 1), (2, 11)] {
        alerted.take(run, after(minute * 60), CheckOutcome::Fail).await;
        alerted.clock.set(after(minute * 60 + 300));
        alerted.set(kinds::CHECK, &check(), None).await;
        alerted.end().await;
        let incident = alerted.incidents().await.into_iter().max_by_key(|incident| incident.opened_at).unwrap();
        assert_eq!(incident.resolved_at, Some(after(minute * 60 + 301)), "{run}");
        alerted.set_check(&doc).await;
        alerted.end().await;
    }
    assert_eq!(alerted.edges().await, ["firing", "resolved", "firing", "resolved"]);
}
