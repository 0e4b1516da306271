//! A read API in this process, with what it stands on within reach.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use reqwest::header::HeaderMap;
use reqwest::{Client, Method, StatusCode};
use serde_json::Value;
use tidegate_admission::{Caller, Refusal};
use tidegate_agentping::{
    CredentialHash, Event, Finish, FinishStatus, Heartbeat, HeartbeatStatus, KeyAccess, KeyId, Plan, Receipt, RunId,
    RunKey, Scope, Start, TeamId,
};
use tidegate_agentping_alerts::{AlertOutbox, Naming};
use tidegate_agentping_inproc::noted_accounts::MemoryNotedAccounts;
use tidegate_agentping_inproc::registry::MemoryRegistry;
use tidegate_agentping_inproc::runs::MemoryRuns;
use tidegate_agentping_ports::{Gate, HeldKey, NotedAccounts, Registry, RunQueries, Team};
pub use tidegate_agentping_testkit::{
    EventWith, FinishWith, IntoBody, StartWith, event_id, heartbeat, json as free, persist, record, run_id, slug, team,
};
use tidegate_control::{Authenticate, Control, Management};
use tidegate_door::ServeOptions;
use tidegate_inproc::clock::TestClock;
use tidegate_inproc::documents::MemoryDocuments;
use tidegate_inproc::rows::MemoryRows;
use tidegate_kernel::{Position, Region, Timestamp};
use tidegate_outbound::{Networks, Outbound, PortRule, SendLimits, TargetPolicy, Trust};
use tidegate_ports::RandomIds;
use tokio::net::TcpListener;

/// Where the clock stands at first.
pub const NOON: &str = "2026-05-15T12:00:00.000Z";
pub const KEY_A: &str = "apk_eu_0000000000000000000000000000000a";
pub const KEY_B: &str = "apk_eu_0000000000000000000000000000000b";
/// Team A's key that may only read.
pub const KEY_READS: &str = "apk_eu_000000000000000000000000000000ab";
pub const TOKEN_A: &str = "ping_eu_0000000000000000000000000000000a";

pub fn at(text: &str) -> Timestamp {
    Timestamp::parse(text).unwrap()
}

/// Of a record received at noon.
pub fn receipt(team: TeamId, partition: u32, offset: i64) -> Receipt {
    Receipt { position: Position { generation: 1, partition, offset }, team, received_at: at(NOON) }
}

/// A start with nothing optional.
pub fn start(agent: &str, started_at: &str) -> Start {
    tidegate_agentping_testkit::start(agent).at(at(started_at))
}

pub fn finish(status: FinishStatus, finished_at: &str) -> Finish {
    tidegate_agentping_testkit::finish(status).at(at(finished_at))
}

pub fn event(number: u128, kind: &str, ts: &str, data: &str) -> Event {
    tidegate_agentping_testkit::event(number).kind(kind).at(at(ts)).data(data)
}

pub fn call(number: u128, ts: &str, model: &str, usd: Option<&str>) -> Event {
    tidegate_agentping_testkit::event(number).at(at(ts)).llm(model, usd)
}

/// Who holds which credential; anything else is unknown.
#[derive(Default)]
pub struct Callers(pub HashMap<String, Result<Caller, Refusal>>);

#[async_trait]
impl Authenticate for Callers {
    async fn authenticate(&self, credential: Option<&str>) -> Result<Caller, Refusal> {
        let credential = credential.ok_or(Refusal::CredentialMissing)?;
        self.0.get(credential).cloned().unwrap_or(Err(Refusal::CredentialUnknown))
    }
}

impl Callers {
    pub fn two_teams() -> Self {
        let plan = Plan::Team;
        let token = Scope::Agent(slug("nightly"));
        let key = |number, access| Some(HeldKey { id: key_id(number), access });
        let (full, read) = (key(1, KeyAccess::Full), key(2, KeyAccess::Read));
        let enterprise = Plan::Enterprise(Default::default());
        let caller = |number, plan, scope, key| Caller {
            team: team(number),
            plan,
            scope,
            key,
            credential: CredentialHash([7; 32]),
            names: Arc::default(),
        };
        Callers(HashMap::from([
            (KEY_A.to_owned(), Ok(caller(1, plan, Scope::Team, full))),
            (KEY_READS.to_owned(), Ok(caller(1, plan, Scope::Team, read))),
            (KEY_B.to_owned(), Ok(caller(2, enterprise, Scope::Team, key(3, KeyAccess::Full)))),
            (TOKEN_A.to_owned(), Ok(caller(1, plan, token, None))),
        ]))
    }
}

/// The id of a caller's key.
pub fn key_id(number: u128) -> KeyId {
    KeyId::from_bits(Region::Eu, number)
}

/// What teams manage, in memory.
pub fn in_memory(clock: Arc<TestClock>) -> Management {
    let documents = Arc::new(MemoryDocuments::new(clock.clone()));
    let rows = Arc::new(MemoryRows::new(clock.clone()));
    Management::new(documents, rows, Arc::new(MemoryRegistry::default()), clock)
}

/// What messages say of where they come from.
pub fn naming() -> Naming {
    Naming { public_url: Some("https://ping.example".to_owned()), team_name: Arc::new(|_| Some("acme".to_owned())) }
}

/// Judges receivers as the operators of the public service do.
fn receivers() -> Outbound {
    let policy = TargetPolicy { allow_http: false, networks: Networks::NONE, ports: PortRule::OwnOrHigh };
    let second = Duration::from_secs(1);
    let limits = SendLimits { whole: second, connect: second, body_bytes: 1_024 };
    Outbound::new(policy, limits, Trust::public()).unwrap()
}

/// A registry with the teams behind the keys.
pub async fn two_teams() -> MemoryRegistry {
    let registry = MemoryRegistry::default();
    for (number, name, plan) in [(1, "acme", Plan::Team), (2, "bolt", Plan::Enterprise(Default::default()))] {
        let team = Team { id: team(number), name: name.to_owned(), plan, created_at: at(NOON), archived_at: None };
        registry.create_team(team).await.unwrap();
    }
    registry
}

pub struct House {
    pub runs: MemoryRuns,
    pub registry: MemoryRegistry,
    pub documents: MemoryDocuments,
    pub rows: MemoryRows,
    pub accounts: MemoryNotedAccounts,
    pub clock: Arc<TestClock>,
    offset: AtomicI64,
    base: String,
    client: Client,
}

impl House {
    /// On a store in memory, with a team behind each of the two keys.
    pub async fn open() -> House {
        House::opened_with(|control| control).await
    }

    /// The same, set up otherwise.
    pub async fn opened_with(set_up: impl FnOnce(Control) -> Control) -> House {
        let registry = two_teams().await;
        let runs = MemoryRuns::new(registry.clone());
        let accounts = MemoryNotedAccounts::default();
        let ports = (Arc::new(runs.clone()) as Arc<dyn RunQueries>, Arc::new(accounts.clone()) as _);
        House::raised((runs, registry), accounts, ports, Callers::two_teams(), (None, true, set_up)).await
    }

    /// With a gate that deleted agents give their slots back to.
    pub async fn with_gate(gate: Arc<dyn Gate>) -> House {
        House::deployed(Some(gate), true).await
    }

    /// Of a deployment without a server for mail.
    pub async fn without_mail() -> House {
        House::deployed(None, false).await
    }

    async fn deployed(gate: Option<Arc<dyn Gate>>, sends_mail: bool) -> House {
        let registry = two_teams().await;
        let runs = MemoryRuns::new(registry.clone());
        let accounts = MemoryNotedAccounts::default();
        let ports = (Arc::new(runs.clone()) as Arc<dyn RunQueries>, Arc::new(accounts.clone()) as _);
        let set_up = (gate, sends_mail, |control: Control| control);
        House::raised((runs, registry), accounts, ports, Callers::two_teams(), set_up).await
    }

    /// On another store.
    pub async fn on(queries: impl RunQueries, set_up: impl FnOnce(Control) -> Control) -> House {
        House::with(MemoryRuns::default(), Arc::new(queries), Callers::two_teams(), set_up).await
    }

    pub async fn with_callers(callers: impl Authenticate) -> House {
        let runs = MemoryRuns::default();
        House::with(runs.clone(), Arc::new(runs), callers, |control| control).await
    }

    /// On another keeper of accounts.
    pub async fn on_accounts(kept: Arc<dyn NotedAccounts>, set_up: impl FnOnce(Control) -> Control) -> House {
        let runs = MemoryRuns::default();
        let ports = (Arc::new(runs.clone()) as Arc<dyn RunQueries>, kept);
        let registry = two_teams().await;
        let accounts = MemoryNotedAccounts::default();
        House::raised((runs, registry), accounts, ports, Callers::two_teams(), (None, true, set_up)).await
    }

    async fn with(
        runs: MemoryRuns,
        queries: Arc<dyn RunQueries>,
        callers: impl Authenticate,
        set_up: impl FnOnce(Control) -> Control,
    ) -> House {
        let accounts = MemoryNotedAccounts::default();
        let ports = (queries, Arc::new(accounts.clone()) as Arc<dyn NotedAccounts>);
        House::raised((runs, two_teams().await), accounts, ports, callers, (None, true, set_up)).await
    }

    async fn raised(
        (runs, registry): (MemoryRuns, MemoryRegistry),
        accounts: MemoryNotedAccounts,
        (queries, kept): (Arc<dyn RunQueries>, Arc<dyn NotedAccounts>),
        callers: impl Authenticate,
        (gate, sends_mail, set_up): (Option<Arc<dyn Gate>>, bool, impl FnOnce(Control) -> Control),
    ) -> House {
        let clock = Arc::new(TestClock::at(at(NOON)));
        let documents = MemoryDocuments::new(clock.clone());
        let rows = MemoryRows::new(clock.clone());
        let kept_rows = Arc::new(rows.clone());
        let managed =
            Management::new(Arc::new(documents.clone()), kept_rows, Arc::new(registry.clone()), clock.clone())
                .with_ingest_url("https://eu.example/");
        let outbox = AlertOutbox::new(Arc::new(rows.clone()), managed.mirror.clone(), clock.clone(), naming());
        let managed = managed.with_alerts(outbox, receivers(), sends_mail).with_gate(gate);
        let control = Control::new(queries, kept, managed, Arc::new(callers), clock.clone(), Arc::new(RandomIds));
        // Cases send many requests while the clock stands.
        let control = set_up(control.with_managed_rate(1_000_000, 1_000_000).with_guard_rate(1_000_000, 1_000_000));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(control.serve(listener, ServeOptions::default(), std::future::pending()));
        let (offset, client) = (AtomicI64::new(0), Client::new());
        House { runs, registry, documents, rows, accounts, clock, offset, base, client }
    }

    /// Puts one record into the store, as the persister would: received now.
    pub async fn tell(&self, team: TeamId, run: RunId, body: impl IntoBody) {
        use tidegate_ports::Clock;
        let record = record(RunKey { team, run }, self.clock.now(), body);
        let offset = self.offset.fetch_add(1, Ordering::SeqCst);
        let position = Position { generation: 0, partition: 0, offset };
        persist(&self.runs, [(position, record)]).await.unwrap();
    }

    /// Team A's view.
    pub async fn get(&self, path: &str) -> Answer {
        self.get_as(Some(KEY_A), path).await
    }

    pub async fn get_as(&self, key: Option<&str>, path: &str) -> Answer {
        let bearer = key.map(|key| ("authorization", format!("Bearer {key}")));
        self.send(Method::GET, path, bearer.as_slice()).await
    }

    /// Team A's question with a JSON body.
    pub async fn post(&self, path: &str, body: &Value) -> Answer {
        self.post_as(Some(KEY_A), path, body.to_string()).await
    }

    pub async fn post_as(&self, key: Option<&str>, path: &str, body: impl Into<reqwest::Body>) -> Answer {
        let mut request = self.client.post(format!("{}{path}", self.base)).body(body);
        if let Some(key) = key {
            request = request.bearer_auth(key);
        }
        Answer::of(request.send().await.unwrap()).await
    }

    /// Team A's change with a JSON body; `null`: with none.
    pub async fn change(&self, method: Method, path: &str, body: &Value) -> Answer {
        self.change_as(KEY_A, method, path, body, &[]).await
    }

    pub async fn put(&self, path: &str, body: &Value) -> Answer {
        self.change(Method::PUT, path, body).await
    }

    pub async fn patch(&self, path: &str, body: &Value) -> Answer {
        self.change(Method::PATCH, path, body).await
    }

    pub async fn delete(&self, path: &str) -> Answer {
        self.change(Method::DELETE, path, &Value::Null).await
    }

    pub async fn change_as(
        &self,
        key: &str,
        method: Method,
        path: &str,
        body: &Value,
        headers: &[(&str, &str)],
    ) -> Answer {
        let mut request = self.client.request(method, format!("{}{path}", self.base)).bearer_auth(key);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        if !body.is_null() {
            request = request.body(body.to_string());
        }
        Answer::of(request.send().await.unwrap()).await
    }

    /// An agent of team A that has run.
    pub async fn with_agent(&self, name: &str, number: u128) {
        self.tell(team(1), run_id(number), start(name, NOON)).await;
    }

    pub async fn send(&self, method: Method, path: &str, headers: &[(&str, String)]) -> Answer {
        let mut request = self.client.request(method, format!("{}{path}", self.base));
        for (name, value) in headers {
            request = request.header(*name, value);
        }
        Answer::of(request.send().await.unwrap()).await
    }
}

/// A heartbeat of the agent `nightly` without details.
pub fn ping(status: HeartbeatStatus) -> Heartbeat {
    heartbeat("nightly", status)
}

#[derive(Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub text: String,
}

impl Answer {
    async fn of(response: reqwest::Response) -> Self {
        let (status, headers) = (response.status(), response.headers().clone());
        Answer { status, headers, text: response.text().await.unwrap() }
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    /// The body of a good answer.
    #[track_caller]
    pub fn ok(&self) -> Value {
        assert_eq!(self.status, StatusCode::OK, "{}", self.text);
        serde_json::from_str(&self.text).unwrap()
    }

    /// The body of an answer with this status.
    #[track_caller]
    pub fn with(&self, status: u16) -> Value {
        assert_eq!(self.status.as_u16(), status, "{}", self.text);
        serde_json::from_str(&self.text).unwrap()
    }

    #[track_caller]
    pub fn is_empty_204(&self) {
        assert_eq!((self.status.as_u16(), self.text.as_str()), (204, ""), "{self:?}");
    }

    #[track_caller]
    pub fn etag(&self) -> String {
        let tag = self.header("etag").unwrap_or_else(|| panic!("{self:?}"));
        assert!(tag.starts_with('"') && tag.ends_with('"'), "{tag} is not strong");
        tag.to_owned()
    }

    /// Code and field of an error in the envelope, and nothing beside code, message and field.
    #[track_caller]
    pub fn refusal(&self) -> (u16, String, Option<String>) {
        assert_eq!(self.header("content-type"), Some("application/json"), "{self:?}");
        let mut body: serde_json::Map<String, Value> = serde_json::from_str(&self.text).unwrap();
        let mut take = |name| body.remove(name).map(|value| value.as_str().unwrap().to_owned());
        let (code, message, field) = (take("error").unwrap(), take("message").unwrap(), take("field"));
        assert!(!message.is_empty() && body.is_empty(), "{}", self.text);
        (self.status.as_u16(), code, field)
    }

    #[track_caller]
    pub fn message(&self) -> String {
        self.refusal();
        let body: Value = serde_json::from_str(&self.text).unwrap();
        body["message"].as_str().unwrap().to_owned()
    }
}

#[track_caller]
pub fn assert_refusal(answer: &Answer, status: u16, code: &str, field: Option<&str>) {
    assert_eq!(answer.refusal(), (status, code.to_owned(), field.map(str::to_owned)), "{}", answer.text);
}
