//! Pages in this process, with the rows behind them within reach.

use std::sync::{Arc, Mutex, PoisonError};

use reqwest::{Client, StatusCode};
use serde::Serialize;
use tidegate_agentgate::book::{Lease, OpenRun, Work};
use tidegate_agentgate::command::Billing;
use tidegate_agentgate::views::{
    self, BalanceRow, OpenShardRow, OrganizationRow, Receiver, RunListRow, RunRow, WebhookMessage,
};
use tidegate_agentgate::{Book, EventType, KeyedHash, OrgId, Owner, RunErrorCode, RunId, RunStatus, Sealed};
use tidegate_commands::sealing::{DeploymentKey, Sealer};
use tidegate_inproc::books::MemoryBooks;
use tidegate_inproc::clock::TestClock;
use tidegate_inproc::deliveries::MemoryDeliveries;
use tidegate_inproc::owner_keys::MemoryOwnerKeys;
use tidegate_inproc::views::MemoryViews;
use tidegate_kernel::command::{BookState, Delivery, OwnerId, Rules, ViewChange, ViewKey};
use tidegate_kernel::{Position, Timestamp};
use tidegate_operators::{AgentGateRows, OperatorPages};
use tidegate_ports::{
    BookWrite, Books, Deliveries, DeliveryWrite, RandomIds, SendProgress, SendState, StoredBook, ViewWrite, Views,
};
use tokio::net::TcpListener;

pub const NOON: Timestamp = Timestamp::from_millis(1_778_846_400_000);

pub struct House {
    pub views: MemoryViews,
    pub books: MemoryBooks,
    pub deliveries: MemoryDeliveries,
    pub sealer: Sealer,
    pub clock: Arc<TestClock>,
    pub pages: OperatorPages,
    metrics: Arc<Mutex<String>>,
    reasons: Arc<Mutex<Vec<String>>>,
    base: String,
}

pub struct Page {
    pub status: StatusCode,
    pub text: String,
    pub headers: reqwest::header::HeaderMap,
}

pub fn org(number: u128) -> OrgId {
    OrgId::from_bits(number << 64)
}

pub fn run(number: u128) -> RunId {
    RunId::from_bits(number << 64)
}

fn position(offset: i64) -> Position {
    Position { generation: 1, partition: 0, offset }
}

impl House {
    /// Without rows of AgentGate.
    pub async fn bare() -> House {
        let clock = Arc::new(TestClock::at(NOON));
        let keys = Arc::new(MemoryOwnerKeys::default());
        let sealer = Sealer::new(keys, DeploymentKey::new([7; DeploymentKey::BYTES]), Arc::new(RandomIds));
        let (metrics, reasons) = (Arc::new(Mutex::new(String::new())), Arc::<Mutex<Vec<String>>>::default());
        let (shown, why) = (metrics.clone(), reasons.clone());
        let about = vec![("Region", "eu".to_owned())];
        let pages = OperatorPages::new(
            about,
            clock.clone(),
            move || why.lock().unwrap_or_else(PoisonError::into_inner).clone(),
            move || shown.lock().unwrap_or_else(PoisonError::into_inner).clone(),
        );
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let routes = pages.routes();
        tokio::spawn(async move { axum::serve(listener, routes).await });
        let (views, books, deliveries) = (MemoryViews::default(), MemoryBooks::default(), MemoryDeliveries::default());
        House { views, books, deliveries, sealer, clock, pages, metrics, reasons, base }
    }

    /// As a decider has them.
    pub async fn open() -> House {
        let house = House::bare().await;
        house.pages.open(house.rows());
        house
    }

    pub fn rows(&self) -> AgentGateRows {
        AgentGateRows {
            views: Arc::new(self.views.clone()),
            deliveries: Arc::new(self.deliveries.clone()),
            books: Some(Arc::new(self.books.clone())),
            sealer: Some(self.sealer.clone()),
        }
    }

    pub fn scraped(&self, metrics: &str) {
        metrics.clone_into(&mut self.metrics.lock().unwrap());
    }

    pub fn not_ready(&self, reason: &str) {
        self.reasons.lock().unwrap().push(reason.to_owned());
    }

    pub async fn get(&self, path: &str) -> Page {
        let answer = Client::new().get(format!("{}{path}", self.base)).send().await.unwrap();
        let (status, headers) = (answer.status(), answer.headers().clone());
        Page { status, headers, text: answer.text().await.unwrap() }
    }

    pub async fn put(&self, key: ViewKey, row: &impl Serialize) {
        let change = ViewChange { key, doc: Some(serde_json::to_vec(row).unwrap()) };
        self.views.put(Arc::new(vec![ViewWrite { change, position: position(1) }])).await.unwrap();
    }

    pub async fn organization(&self, org: OrgId, name: &str) {
        self.organization_that_is(org, name, "active").await;
    }

    /// The same in a state that operators gave it: `suspended` or `erased`.
    pub async fn organization_that_is(&self, org: OrgId, name: &str, state: &str) {
        self.sealer.create(Owner::Org(org).log_key()).await.unwrap();
        let name = serde_json::to_vec(name).unwrap();
        let name = self.sealer.seal(Owner::Org(org).log_key(), &name).await.unwrap();
        let row = OrganizationRow {
            name: Some(Sealed::new(name)),
            suspended: state == "suspended",
            erased: state == "erased",
            billing: Billing::Ok,
            concurrency: 10,
            requests_per_minute: 100,
            submissions_per_minute: 20,
            created_at_ms: NOON.plus_millis(-86_400_000),
        };
        self.put(views::organization(org), &row).await;
        let balance = BalanceRow {
            included_cents: 9_000,
            purchased_cents: 500,
            held_cents: 1_500,
            open_runs: 2,
            allowance_cents: 10_000,
            cycle_started_at_ms: NOON.plus_millis(-86_400_000),
            created_at_ms: NOON.plus_millis(-86_400_000),
        };
        self.put(views::balance(org), &balance).await;
    }

    /// A run that was created so many minutes ago.
    pub async fn run(&self, org: OrgId, id: RunId, status: RunStatus, minutes: i64) {
        let created_at_ms = NOON.plus_millis(-60_000 * minutes);
        let ended_at_ms = status.is_terminal().then_some(NOON);
        let listed = RunListRow { status, iterations: 3, created_at_ms, ended_at_ms, tenant: None, tenant_user: None };
        self.put(views::listed_run(org, created_at_ms, id), &listed).await;
        let row = RunRow {
            error_code: (status == RunStatus::Failed).then_some(RunErrorCode::VerificationFailed),
            result: Some(Sealed::new("c2VjcmV0LXJlc3VsdA==")),
            ..row(org, status, created_at_ms)
        };
        self.put(views::run(id), &row).await;
    }

    pub async fn queued(&self, org: OrgId, queued: u32, minutes: i64) {
        let oldest_at_ms = NOON.plus_millis(-60_000 * minutes);
        let row = OpenShardRow { oldest: views::queue_shard(oldest_at_ms), oldest_at_ms, queued };
        self.put(views::open_shard(org), &row).await;
    }

    /// A run that a worker has leased for a minute, so many seconds ago.
    pub async fn leased(&self, org: OrgId, id: RunId, worker: KeyedHash, seconds: i64) {
        let renewed = NOON.plus_millis(-1_000 * seconds);
        let lease = Lease { worker, lease_ms: 60_000, expires_at_ms: renewed.plus_millis(60_000), reported: true };
        let work = Work {
            started_at_ms: renewed,
            until_ms: NOON,
            grants: 1,
            max_grants: 3,
            lease: Some(lease),
            verifying: None,
            verifications: 0,
        };
        let open = OpenRun {
            created_at_ms: renewed,
            hold_cents: 500,
            cents_per_iteration: 50,
            pending_until_ms: NOON,
            iterations: 0,
            tenant: None,
            tenant_user: None,
            webhook_url: false,
            work: Some(work),
        };
        let book = Book { runs: [(id, open)].into(), ..Book::default() };
        let state = BookState { rules: Rules::FIRST, now: NOON, decided_to: Some(position(1)), book };
        let book = StoredBook { doc: state.encode(), decided_to: position(1) };
        self.books.save(Arc::new(vec![BookWrite { owner: Owner::Org(org).log_key(), book }])).await.unwrap();
    }

    /// A delivery that was tried so often, and what came back last.
    pub async fn delivery(&self, org: OrgId, id: &str, tried: Option<(u32, &str)>) {
        let state = row(org, RunStatus::Succeeded, NOON);
        let message = WebhookMessage {
            kind: EventType::ALL[0],
            org,
            at_ms: NOON.plus_millis(-60_000),
            to: Receiver::Order,
            run: run(1),
            state,
        };
        let owner = Owner::Org(org).log_key();
        let delivery = Delivery { id: id.into(), body: serde_json::to_vec(&message).unwrap() };
        self.deliveries.put(Arc::new(vec![DeliveryWrite { owner, delivery, position: position(1) }])).await.unwrap();
        if let Some((tries, last)) = tried {
            let state = SendState::Retry(NOON.plus_millis(60_000));
            let progress = SendProgress { tries, state, last: last.to_owned(), at: NOON };
            self.deliveries.note(owner, id, progress).await.unwrap();
        }
    }
}

fn row(org: OrgId, status: RunStatus, created_at_ms: Timestamp) -> RunRow {
    RunRow {
        org,
        status,
        created_at_ms,
        started_at_ms: None,
        ended_at_ms: None,
        iterations: 3,
        cost_cents: 150,
        error_code: None,
        result: None,
    }
}

impl Page {
    #[track_caller]
    pub fn ok(&self) -> &str {
        assert_eq!(self.status, StatusCode::OK, "{}", self.text);
        &self.text
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// The row of a table that has this text.
    #[track_caller]
    pub fn row(&self, of: &str) -> &str {
        let rows = self.text.split("<tr>").skip(1).map(|row| row.split("</tr>").next().unwrap());
        rows.into_iter().find(|row| row.contains(of)).unwrap_or_else(|| panic!("no row has {of}: {}", self.text))
    }
}
