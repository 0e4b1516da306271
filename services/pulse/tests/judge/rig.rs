//! A pipeline in memory whose persister is the test's: it applies partitions when the test says so.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use serde_json::Value;
use tidegate_agentping::feed::Arrival;
use tidegate_agentping::{FinishStatus, HeartbeatStatus, Record, RunState, Slug, TeamId, feed};
use tidegate_agentping_inproc::registry::MemoryRegistry;
use tidegate_agentping_inproc::runs::MemoryRuns;
use tidegate_agentping_ports::{FeedEntry, RunWanted, RunWrite, Runs};
use tidegate_agentping_pulse::incident::DeliveryId;
use tidegate_agentping_pulse::{AlertSeverity, Definition};
use tidegate_agentping_settings::{PauseDoc, ScheduleDoc, TeamSettings, kinds};
use tidegate_agentping_testkit::{IntoBody, finish, heartbeat, key, record, slug, start, team};
use tidegate_agentping_verdicts::{IncidentDoc, IncidentQuery, SlotDoc, SlotQuery, StandingDoc};
use tidegate_inproc::accounts::MemoryAccounts;
use tidegate_inproc::clock::TestClock;
use tidegate_inproc::dead_letters::MemoryDeadLetters;
use tidegate_inproc::documents::MemoryDocuments;
use tidegate_inproc::log::{MemoryLog, MemoryLogOptions};
use tidegate_inproc::rows::MemoryRows;
use tidegate_kernel::Timestamp;
use tidegate_mirror::Mirror;
use tidegate_ports::{
    Account, Accounts, Again, Append, AppendAgain, Clock, DocumentWrite, Documents, Expected, Fate, KeptRow, Origin,
    RowKey, RowScan, RowWrite, Rows, StoreError,
};
use tidegate_pulse::judge::{Alert, Judge, JudgeOptions, JudgePorts, Outbox, RouteChoice, Routes, SeenAgents};

pub const PARTITIONS: u32 = 4;

/// `12:30` or `12:30:05` of the day that tests take place on, or a whole instant.
pub fn time(text: &str) -> Timestamp {
    let text = match text.len() {
        5 => format!("2026-05-15T{text}:00Z"),
        8 => format!("2026-05-15T{text}Z"),
        _ => text.to_owned(),
    };
    Timestamp::parse(&text).unwrap_or_else(|error| panic!("{text}: {error}"))
}

fn clock_text(at: Timestamp) -> String {
    at.to_string()[11..16].to_owned()
}

/// Rows that can be made to fail.
#[derive(Clone)]
pub struct FailingRows {
    pub rows: MemoryRows,
    /// Writes until the next one fails; negative: none does.
    pub fail_in: Arc<AtomicI64>,
    pub written: Arc<AtomicI64>,
    pub reads: Arc<AtomicI64>,
}

impl FailingRows {
    fn new(clock: Arc<dyn Clock>) -> Self {
        let rows = MemoryRows::new(clock);
        FailingRows { rows, fail_in: Arc::new(AtomicI64::new(-1)), written: Arc::default(), reads: Arc::default() }
    }

    pub fn step(&self) -> Result<(), StoreError> {
        self.written.fetch_add(1, Ordering::SeqCst);
        match self.fail_in.fetch_sub(1, Ordering::SeqCst) {
            0 => Err(StoreError::Unavailable("as the test wants".into())),
            _ => Ok(()),
        }
    }
}

#[async_trait]
impl Rows for FailingRows {
    async fn put(&self, rows: Arc<Vec<RowWrite>>, now: Timestamp) -> Result<(), StoreError> {
        self.step()?;
        self.rows.put(rows, now).await
    }

    async fn insert(&self, rows: Arc<Vec<RowWrite>>, now: Timestamp) -> Result<Vec<bool>, StoreError> {
        self.step()?;
        self.rows.insert(rows, now).await
    }

    async fn get(&self, keys: &[RowKey]) -> Result<Vec<Option<Vec<u8>>>, StoreError> {
        self.reads.fetch_add(1, Ordering::SeqCst);
        self.rows.get(keys).await
    }

    async fn scan(&self, scan: &RowScan) -> Result<Vec<KeptRow>, StoreError> {
        self.reads.fetch_add(1, Ordering::SeqCst);
        self.rows.scan(scan).await
    }

    async fn purge_rows(&self, now: Timestamp, limit: usize) -> Result<usize, StoreError> {
        self.rows.purge_rows(now, limit).await
    }
}

/// Keeps messages by id, as who sends them does.
#[derive(Clone)]
pub struct Sent {
    pub by_id: Arc<Mutex<BTreeMap<DeliveryId, Alert>>>,
    /// How often one was put that was there.
    pub repeats: Arc<AtomicI64>,
    rows: FailingRows,
}

#[async_trait]
impl Outbox for Sent {
    async fn put(&self, alerts: &[Alert], _: Timestamp) -> Result<(), StoreError> {
        // Fails as the rows do.
        self.rows.step()?;
        let mut by_id = self.by_id.lock().unwrap();
        for alert in alerts {
            if by_id.insert(alert.message.id, alert.clone()).is_some() {
                self.repeats.fetch_add(1, Ordering::SeqCst);
            }
        }
        Ok(())
    }
}

/// One route for all agents.
#[derive(Clone, Copy)]
pub struct OneRoute;

impl Routes for OneRoute {
    fn routes_of(&self, _: TeamId, _: &TeamSettings, _: &Slug) -> Vec<RouteChoice> {
        let (route, kinds, min_severity) = ("ops".into(), None, AlertSeverity::Info);
        let (min_interval_s, reminders, holds_open) = (3_600, true, false);
        vec![RouteChoice { route, kinds, min_severity, min_interval_s, reminders, holds_open }]
    }
}

/// Agents that were there before the judge.
#[derive(Clone, Default)]
pub struct SeenBefore(pub Vec<(TeamId, Slug, Timestamp)>);

#[async_trait]
impl SeenAgents for SeenBefore {
    async fn seen(&self) -> Result<Vec<(TeamId, Slug, Timestamp)>, StoreError> {
        Ok(self.0.clone())
    }
}

pub struct Rig {
    pub clock: Arc<TestClock>,
    pub log: MemoryLog,
    pub runs: MemoryRuns,
    pub accounts: MemoryAccounts,
    pub dead_letters: MemoryDeadLetters,
    pub documents: MemoryDocuments,
    pub rows: FailingRows,
    pub sent: Sent,
    pub seen: SeenBefore,
    pub options: JudgeOptions,
    pub stalled: Vec<u32>,
    pub judge: Option<Judge>,
}

impl Rig {
    /// A deployment whose first judge has begun at 11:00, without agents.
    pub async fn new() -> Self {
        let mut rig = Rig::without_judge("11:00");
        rig.start().await;
        rig
    }

    pub fn without_judge(at: &str) -> Self {
        let clock = Arc::new(TestClock::at(time(at)));
        let rows = FailingRows::new(clock.clone());
        Rig {
            log: MemoryLog::new(MemoryLogOptions { partitions: PARTITIONS, ..Default::default() }, clock.clone()),
            runs: MemoryRuns::new(MemoryRegistry::default()),
            accounts: MemoryAccounts::default(),
            dead_letters: MemoryDeadLetters::default(),
            documents: MemoryDocuments::new(clock.clone()),
            sent: Sent { by_id: Arc::default(), repeats: Arc::default(), rows: rows.clone() },
            rows,
            seen: SeenBefore::default(),
            options: JudgeOptions::default(),
            stalled: Vec::new(),
            judge: None,
            clock,
        }
    }

    /// A judge of its own on these ports.
    pub async fn judge(&self) -> Judge {
        self.try_judge().await.unwrap()
    }

    pub async fn try_judge(&self) -> Result<Judge, tidegate_pulse::judge::Unjudged> {
        let ports = JudgePorts {
            lag: Arc::new(self.log.lag("persister")),
            accounts: Arc::new(self.accounts.clone()),
            feed: Arc::new(self.runs.clone()),
            dead_letters: Arc::new(self.dead_letters.clone()),
            settings: Mirror::read(Arc::new(self.documents.clone()), self.clock.clone()).await?,
            rows: Arc::new(self.rows.clone()),
            seen: Arc::new(self.seen.clone()),
            outbox: Arc::new(self.sent.clone()),
            routes: Arc::new(OneRoute),
            clock: self.clock.clone(),
        };
        Judge::start(ports, self.options).await
    }

    /// Starts the judge, or starts it again from what is stored.
    pub async fn start(&mut self) {
        self.judge = Some(self.judge().await);
    }

    /// Appends a record that is received now.
    pub async fn append(&self, run: u128, body: impl IntoBody) {
        self.append_late(run, &clock_and_seconds(self.clock.now()), body).await;
    }

    /// Appends a record that was received before.
    pub async fn append_late(&self, run: u128, received_at: &str, body: impl IntoBody) {
        let record = record(key(run), time(received_at), body);
        self.log.append(record.key().log_key(), record.encode().into()).await.unwrap();
    }

    /// A replay appends a record again that was received before.
    pub async fn again(&self, run: u128, received_at: &str, body: impl IntoBody) {
        let record = record(key(run), time(received_at), body);
        let position = tidegate_kernel::Position { generation: 1, partition: 0, offset: 0 };
        let origin = Origin { position, attempt: 2 };
        let (key, payload) = (Some(record.key().log_key()), record.encode().into());
        self.log.append_again(Again { key, payload, origin }).await.unwrap();
    }

    pub async fn beat(&self, run: u128, agent: &str, status: HeartbeatStatus) {
        self.append(run, heartbeat(agent, status)).await;
    }

    pub async fn open(&self, run: u128, agent: &str) {
        self.append(run, tidegate_agentping_testkit::StartWith::at(start(agent), self.clock.now())).await;
    }

    pub async fn finish(&self, run: u128, status: FinishStatus) {
        self.append(run, finish(status)).await;
    }

    /// Applies what was appended, but for partitions that are stalled.
    pub async fn apply(&self) {
        for partition in (0..PARTITIONS).filter(|partition| !self.stalled.contains(partition)) {
            let known = self.accounts.account(1, partition).await.unwrap();
            let mut account = known.unwrap_or_else(|| Account::opened(1, partition, 0));
            for one in self.log.records(partition).into_iter().skip(account.next_offset as usize) {
                let record = Record::decode(&one.payload).unwrap();
                let replayed = one.provenance.is_some_and(|provenance| provenance.origin.is_some());
                self.apply_one(one.position, record, Arrival { appended_at: one.appended_at, replayed }).await;
                account.count(one.position.offset, Fate::Stored);
            }
            self.accounts.settle(account).await.unwrap();
        }
    }

    async fn apply_one(&self, position: tidegate_kernel::Position, record: Record, arrival: Arrival) {
        let (key, events) = (record.key(), record.body.event_ids());
        let stored = self.runs.load(&[RunWanted { key, events }]).await.unwrap().remove(0);
        let known_events = stored.events.into_iter().collect();
        let mut state = RunState { run: stored.run.unwrap_or_default(), known_events };
        let (_, row) = feed::apply(&mut state, record, arrival);
        let feed = row.map(|row| FeedEntry { position, row }).into_iter().collect();
        let write = RunWrite { key, run: state.run, new_events: Vec::new(), feed, position, again: None };
        self.runs.save(Arc::new(vec![write])).await.unwrap();
    }

    /// The clock goes on to then; what was appended is applied, and the judge has a turn.
    pub async fn to(&mut self, at: &str) {
        self.clock.set(time(at));
        self.apply().await;
        self.turn().await;
    }

    pub async fn turn(&mut self) {
        self.judge.as_mut().unwrap().turn().await.unwrap();
    }

    pub async fn write(&self, kind: &str, name: &str, doc: &impl serde::Serialize) {
        let doc = Some(serde_json::to_vec(doc).unwrap());
        let write =
            DocumentWrite { kind: kind.into(), name: name.into(), expected: Expected::Anything, doc, ends_at: None };
        self.documents.write(&team(1).to_string(), &[write], self.clock.now()).await.unwrap();
    }

    pub async fn document<T: serde::de::DeserializeOwned + Default>(&self, kind: &str, name: &str) -> T {
        let found = self.documents.get(&team(1).to_string(), kind, name).await.unwrap();
        found.map_or_else(T::default, |document| serde_json::from_slice(&document.doc).unwrap())
    }

    /// Sets an agent's schedule now; `null`: it has none any more.
    pub async fn schedule(&self, agent: &str, members: Value) {
        let mut doc: ScheduleDoc = self.document(kinds::SCHEDULE, agent).await;
        let set = members.as_object().map(|members| Definition::parse(members).unwrap());
        doc.set(self.clock.now(), set);
        self.write(kinds::SCHEDULE, agent, &doc).await;
    }

    /// Pauses an agent, or with an empty name the team, now.
    pub async fn pause(&self, agent: &str, until: Option<&str>) {
        let mut doc: PauseDoc = self.document(kinds::PAUSE, agent).await;
        doc.pause(self.clock.now(), "key_1".to_owned(), until.map(time), None);
        self.write(kinds::PAUSE, agent, &doc).await;
    }

    pub async fn resume(&self, agent: &str) {
        let mut doc: PauseDoc = self.document(kinds::PAUSE, agent).await;
        doc.resume(self.clock.now());
        self.write(kinds::PAUSE, agent, &doc).await;
    }

    /// An agent that has had a run, and has this schedule from now on.
    pub async fn agent(&mut self, agent: &str, members: Value) {
        self.beat(u128::MAX - agent.len() as u128, agent, HeartbeatStatus::Ok).await;
        self.schedule(agent, members).await;
        self.apply().await;
        self.turn().await;
    }

    pub async fn slot_docs(&self, agent: &str) -> Vec<SlotDoc> {
        let agent = tidegate_agentping_ports::registry::agent_id(team(1), &slug(agent));
        let (from, to) = (time("2026-05-01T00:00:00Z"), self.clock.now());
        let query = SlotQuery { agent, from, to, before: None, limit: 1_000 };
        let mut slots = query.read(&self.rows.rows).await.unwrap();
        slots.reverse();
        slots
    }

    /// An agent's slots as `12:00 missed`, oldest first.
    pub async fn slots(&self, agent: &str) -> Vec<String> {
        let slots = self.slot_docs(agent).await;
        slots.iter().map(|slot| format!("{} {}", clock_text(slot.at), slot.outcome.as_str())).collect()
    }

    pub async fn incident_docs(&self) -> Vec<IncidentDoc> {
        let (agent, kind, is_open, after) = (None, None, None, None);
        let query = IncidentQuery { team: team(1), agent, kind, is_open, after, limit: 1_000 };
        let mut incidents = query.read(&self.rows.rows, self.clock.now()).await.unwrap();
        incidents.reverse();
        incidents
    }

    /// All incidents as `agent schedule_missed 12:10-12:40 2`, oldest first.
    pub async fn incidents(&self) -> Vec<String> {
        let shown = |incident: &IncidentDoc| {
            let (agent, kind) = (incident.agent.as_str(), incident.kind.as_str());
            let until = incident.resolved_at.map(clock_text).unwrap_or_default();
            format!("{agent} {kind} {}-{until} {}", clock_text(incident.opened_at), incident.count)
        };
        self.incident_docs().await.iter().map(shown).collect()
    }

    /// What was given to be sent, as `12:10 agent schedule_missed firing`, oldest first.
    pub fn messages(&self) -> Vec<String> {
        let mut alerts: Vec<Alert> = self.sent.by_id.lock().unwrap().values().cloned().collect();
        let is_recovery = |alert: &Alert| alert.message.down_s().is_some();
        alerts.sort_by_key(|alert| (alert.message.timestamp, is_recovery(alert), alert.message.id));
        let shown = |alert: &Alert| {
            let (message, agent) = (&alert.message, alert.slug.as_str());
            let (kind, edge) = (message.kind.as_str(), message.edge.as_str());
            format!("{} {agent} {kind} {edge}", clock_text(message.timestamp))
        };
        alerts.iter().map(shown).collect()
    }

    pub async fn standing(&self, agent: &str) -> StandingDoc {
        StandingDoc::read(&self.rows.rows, team(1), &slug(agent)).await.unwrap().unwrap()
    }

    /// The agent's state as it is shown now.
    pub async fn state(&self, agent: &str) -> String {
        let (state, _) = self.standing(agent).await.state_at(self.clock.now());
        serde_json::to_value(state).unwrap().as_str().unwrap().to_owned()
    }
}

fn clock_and_seconds(at: Timestamp) -> String {
    at.to_string()
}
