//! How long the server takes for a page: the overview and the agents of a team of so many agents with so many runs today,
//! and a run of so many events, on a data folder. Prints the times of each page and its size.
//!
//! `cargo run --release -p tidegate-dashboard --example page_times -- 500 10000 2000`: agents, events, runs of today.
#![allow(clippy::unwrap_used, reason = "a measurement ends where it cannot go on")]

use std::io::Write;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::{Body, to_bytes};
use http::header::{CONTENT_TYPE, COOKIE, SET_COOKIE};
use http::{Method, Request, StatusCode};
use hyper::service::Service as _;
use hyper_util::service::TowerToHyperService;
use tidegate_admission::{AdmissionConfig, Authenticator};
use tidegate_agentping::{Credential, FinishStatus, KeyAccess, KeyId, Plan, RunId, RunKey, RunStatus, Slug, TeamId};
use tidegate_agentping_inproc::noted_accounts::MemoryNotedAccounts;
use tidegate_agentping_ports::{KeyRow, Registry, StoredNames, Team};
use tidegate_agentping_pulse::agent::{AgentStanding, LastSuccess};
use tidegate_agentping_pulse::{DoubtReason, Slot, SlotOutcome};
use tidegate_agentping_testkit::{
    EventWith as _, FinishWith as _, IntoBody, NOON, StartWith as _, event, finish, persist, record, start,
};
use tidegate_agentping_verdicts::{JudgedDoc, LastRun, RecentDoc, SlotDoc, StandingDoc};
use tidegate_control::{Control, Management};
use tidegate_dashboard::{Dashboard, DashboardOptions, DashboardPorts, SessionCallers, SessionSecret, SignInLinks};
use tidegate_inproc::clock::TestClock;
use tidegate_kernel::{Position, Region, Timestamp};
use tidegate_ports::{RandomIds, RowWrite, Rows};
use tidegate_sqlite::{DataFolder, EmbeddedDocuments, EmbeddedRegistry, EmbeddedRows, EmbeddedStore};

const KEY: &str = "apk_eu_0000000000000000000000000000000a";
const MINUTE_MS: i64 = 60_000;
const EVENTS_A_RECORD: u128 = 100;
const TIMES: usize = 100;

/// Writes what the pages show, as the persister and the judge would.
struct Writer {
    store: EmbeddedStore,
    rows: EmbeddedRows,
    team: TeamId,
    next_offset: i64,
}

impl Writer {
    async fn tell(&mut self, run: RunId, at: Timestamp, body: impl IntoBody) {
        let record = record(RunKey { team: self.team, run }, at, body);
        let position = Position { generation: 0, partition: 0, offset: self.next_offset };
        self.next_offset += 1;
        persist(&self.store, [(position, record)]).await.unwrap();
    }

    /// Runs of today, spread over the agents: one in ten fails and says why.
    async fn runs_of_today(&mut self, agents: usize, runs: u128) {
        // Eleven hours before noon are today.
        let apart_ms = 39_600_000 / runs.max(1) as i64;
        for number in 0..runs {
            let run = run(number);
            let at = NOON.plus_millis(-(number as i64) * apart_ms);
            let opening = start(&agent(number as usize % agents)).at(at).customer("acme").feature("search");
            self.tell(run, at, opening).await;
            self.tell(run, at, event(number + 1_000_000).llm("claude-x", Some("0.0125"))).await;
            let (status, output) = match number % 10 {
                0 => (FinishStatus::Failed, r#"{"error": "the queue did not answer within 30 s"}"#),
                _ => (FinishStatus::Success, r#"{"rows": 41, "text": "everything matched"}"#),
            };
            let at = at.plus_millis(4_000);
            self.tell(run, at, finish(status).at(at).output(output)).await;
        }
    }

    async fn large_run(&mut self, number: u128, events: u128) -> RunId {
        let run = run(number);
        self.tell(run, NOON, start(&agent(0)).at(NOON)).await;
        for from in (0..events).step_by(EVENTS_A_RECORD as usize) {
            let some: Vec<_> = (from..(from + EVENTS_A_RECORD).min(events)).map(event_of_large).collect();
            self.tell(run, NOON.plus_millis(from as i64), some).await;
        }
        run
    }

    /// How agents stand, each with 30 slots; one in five has had trouble.
    async fn standings(&self, agents: usize) {
        let row = |number: usize| standing(number).row(self.team, &Slug::parse(&agent(number)).unwrap(), 1);
        let mut writes: Vec<RowWrite> = (0..agents).map(row).collect();
        writes.push(JudgedDoc { until: NOON }.row());
        self.rows.put(Arc::new(writes), NOON).await.unwrap();
    }
}

fn event_of_large(id: u128) -> tidegate_agentping::Event {
    const CALL: &str = r#"{"tool":"search","status":"success","latency_ms":12,"input":"tides","output":"12 found"}"#;
    let event = event(id + 2_000_000).at(NOON.plus_millis(id as i64));
    match id % 3 {
        0 => event.llm("claude-x", Some("0.001")).data(r#"{"input_tokens":1200,"output_tokens":50,"latency_ms":400}"#),
        1 => event.kind("tool_call").data(CALL),
        _ => event.kind("step").data(r#"{"kind":"plan","message":"looking for more"}"#),
    }
}

fn standing(number: usize) -> StandingDoc {
    let slot = |back: i64| {
        let at = NOON.plus_millis(-back * 60 * MINUTE_MS);
        let (outcome, reason) = match (number % 5, back) {
            (0, 1 | 7) => (SlotOutcome::Missed, None),
            (0, 3) => (SlotOutcome::Unknown, Some(DoubtReason::FrontDoor)),
            _ => (SlotOutcome::Ok, None),
        };
        SlotDoc { at, deadline: at.plus_millis(MINUTE_MS), outcome, run: None, reason, incident: None }
    };
    let mut recent = RecentDoc::default();
    (1..=30).rev().for_each(|back| recent.note_slot(&slot(back)));
    (0..31).for_each(|run| recent.note_duration(3_000 + run * 10));
    let run = run(number as u128);
    let (at, deadline) = (NOON.plus_millis(60 * MINUTE_MS), NOON.plus_millis(70 * MINUTE_MS));
    let success = LastSuccess { run, finished_at: NOON, duration_ms: Some(3_000), cost: Default::default() };
    StandingDoc {
        state: if number.is_multiple_of(25) { AgentStanding::Down } else { AgentStanding::Up },
        since: NOON,
        next_slot: Some(Slot { at, window_from: NOON, deadline, in_gap: false }),
        last_success: Some(success),
        last_run: Some(LastRun { run, status: RunStatus::Success, received_at: NOON }),
        open_incidents: Vec::new(),
        recent,
    }
}

fn agent(number: usize) -> String {
    format!("billing/nightly-job-{number:04}")
}

fn run(number: u128) -> RunId {
    let mut random = [0; 10];
    random.copy_from_slice(&number.to_be_bytes()[6..]);
    RunId::mint(Region::Eu, NOON, &random)
}

/// The pages, with a session.
struct Visitor {
    routes: TowerToHyperService<Router>,
    cookie: String,
}

impl Visitor {
    async fn ask(&self, method: Method, path: &str, body: &str) -> (http::response::Parts, Vec<u8>) {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header(COOKIE, &self.cookie)
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(Body::from(body.to_owned()));
        let Ok(answer) = self.routes.call(request.unwrap()).await;
        let (parts, body) = answer.into_parts();
        (parts, to_bytes(body, usize::MAX).await.unwrap().to_vec())
    }

    async fn sign_in(&mut self) {
        let (parts, _) = self.ask(Method::POST, "/login", &format!("key={KEY}")).await;
        let set = parts.headers.get(SET_COOKIE).unwrap().to_str().unwrap();
        self.cookie = set.split(';').next().unwrap().to_owned();
    }

    async fn measure(&self, name: &str, path: &str) {
        let mut times = Vec::with_capacity(TIMES);
        let mut bytes = 0;
        for _ in 0..TIMES {
            let begun = Instant::now();
            let (parts, body) = self.ask(Method::GET, &format!("/teams/acme{path}"), "").await;
            times.push(begun.elapsed());
            assert_eq!(parts.status, StatusCode::OK, "{name}: {}", String::from_utf8_lossy(&body));
            bytes = body.len();
        }
        times.sort();
        let at = |part: usize| ms(times[(TIMES * part / 100).min(TIMES - 1)]);
        say(&format!("{name:<28} {:>8} {:>8} {:>8} {bytes:>9}", at(50), at(95), at(100)));
    }
}

fn ms(time: Duration) -> String {
    format!("{:.1}", time.as_secs_f64() * 1_000.0)
}

fn say(line: &str) {
    std::io::stdout().write_all(format!("{line}\n").as_bytes()).unwrap();
}

#[tokio::main]
async fn main() {
    let mut arguments = std::env::args().skip(1).map(|argument| argument.parse::<usize>().unwrap());
    let (agents, events) = (arguments.next().unwrap_or(500), arguments.next().unwrap_or(10_000));
    let runs = arguments.next().unwrap_or(2_000) as u128;
    let place = tempfile::tempdir().unwrap();
    let clock = Arc::new(TestClock::at(NOON));
    let folder = DataFolder::open_or_create(&place.path().join("data"), Region::Eu, 1, NOON).unwrap();
    let owned = folder.own().unwrap();
    let registry = EmbeddedRegistry::open(&folder).unwrap();
    let store = EmbeddedStore::open(&owned, registry.clone()).unwrap();
    let rows = EmbeddedRows::open(&owned, clock.clone()).unwrap();
    let documents = EmbeddedDocuments::open(&owned, clock.clone()).unwrap();
    let team = TeamId::mint(Region::Eu, NOON, &[1; 10]);
    let row = Team { id: team, name: "acme".to_owned(), plan: Plan::Team, created_at: NOON, archived_at: None };
    registry.create_team(row).await.unwrap();
    let id = KeyId::mint(Region::Eu, NOON, &[2; 10]);
    let row = KeyRow { id, team, access: KeyAccess::Full, created_at: NOON, revoked_at: None, label: None };
    registry.create_key(row, Credential::parse(KEY).unwrap().hash()).await.unwrap();

    let mut writer = Writer { store: store.clone(), rows: rows.clone(), team, next_offset: 0 };
    say(&format!("writing {agents} agents, {runs} runs and a run of {events} events …"));
    writer.runs_of_today(agents, runs).await;
    writer.standings(agents).await;
    let large = writer.large_run(runs, events as u128).await;

    let (registry, queries) = (Arc::new(registry), Arc::new(store));
    let documents = Arc::new(documents);
    let names = Arc::new(StoredNames::new(documents.clone()));
    let managed = Management::new(documents, Arc::new(rows), registry.clone(), clock.clone());
    let callers = Arc::new(Authenticator::new(registry.clone(), clock.clone(), &AdmissionConfig::new(Region::Eu)));
    let (accounts, sessions) = (Arc::new(MemoryNotedAccounts::default()), Arc::new(SessionCallers(callers.clone())));
    let api = Control::new(queries.clone(), accounts, managed, sessions, clock.clone(), Arc::new(RandomIds))
        // The clock stands still.
        .with_managed_rate(1_000_000, 100_000_000);
    let ports = DashboardPorts {
        queries,
        names,
        registry,
        api: api.into_router(),
        holders: callers,
        clock,
        ids: Arc::new(RandomIds),
    };
    let options = DashboardOptions {
        secret: SessionSecret::new([7; SessionSecret::BYTES]),
        ingest_url: "http://localhost:8080".to_owned(),
        secure_cookies: false,
        store_deadline: Duration::from_secs(30),
        links: SignInLinks::default(),
    };
    let routes = TowerToHyperService::new(Dashboard::new(ports, options).into_router());
    let mut visitor = Visitor { routes, cookie: String::new() };
    visitor.sign_in().await;

    say(&format!("{:<28} {:>8} {:>8} {:>8} {:>9}", "", "p50 ms", "p95 ms", "max ms", "bytes"));
    for (name, path) in [
        ("overview", ""),
        ("agents", "/agents"),
        ("agents, by cost, searched", "/agents?sort=cost&q=job-00"),
        ("an agent", "/agents/billing%2Fnightly-job-0000"),
        ("runs", "/runs"),
        ("spend", "/spend"),
        ("large run", &format!("/runs/{large}")),
    ] {
        visitor.measure(name, path).await;
    }
}
