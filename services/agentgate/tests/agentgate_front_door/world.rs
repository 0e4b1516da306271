//! A front door of the test's own, and the operator's commands on it.

#![allow(dead_code, reason = "not every root that includes this file uses all of it")]

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use async_trait::async_trait;
use tidegate_agentgate::command::{AddCredit, Billing, KeyUse, PutKey, PutOrganization, RevokeKey, SetSuspension};
use tidegate_agentgate::{AgentGate, Command, KeyId, OrgId, Owner, Scope, Scopes, TransactionId};
use tidegate_agentgate_api::{AgentGateConfig, FrontDoor, FrontDoorParts, Secrets, SendTest};
use tidegate_commands::sealing::{DeploymentKey, Sealer};
use tidegate_inproc::limits::MemoryLimits;
use tidegate_inproc::owner_keys::MemoryOwnerKeys;
use tidegate_kernel::command::{Attempt, CommandOutcome, Decider, Envelope, OwnerId, ViewKey};
use tidegate_outbound::Message;
use tidegate_ports::{
    Clock, Enter, Ids, LimitsDown, LimitsEntered, Mark, RandomIds, RequestLimits, Scan, StoreError, SystemClock,
    ViewRow, ViewWrite, Views,
};
use tokio::net::TcpListener;
use tokio::sync::watch;

use crate::deciding::Deciding;
use crate::suite::Limited;

/// What a test may set.
#[derive(Clone, Debug, Default)]
pub struct WorldSettings {
    pub config: AgentGateConfig,
}

/// One front door.
pub struct World {
    url: String,
    pub deciding: Deciding,
    pub store: Arc<StoreTrouble>,
    pub limits_down: Arc<AtomicBool>,
    pub tests: Arc<std::sync::Mutex<Vec<Message>>>,
    sealer: Sealer,
    secrets: Secrets,
    server: tokio::task::JoinHandle<()>,
}

impl Drop for World {
    fn drop(&mut self) {
        self.server.abort();
    }
}

/// What reads of the store do instead of answering. Keys are found all the same.
#[derive(Debug, Default)]
pub struct StoreTrouble {
    pub broken: AtomicBool,
    pub panics: AtomicBool,
    pub hangs: watch::Sender<bool>,
    /// Reads that hang.
    pub hanging: AtomicUsize,
}

/// Views that get into trouble when a test says so.
struct Breakable(Arc<StoreTrouble>, Arc<dyn Views>);

impl Breakable {
    async fn check(&self) -> Result<(), StoreError> {
        assert!(!self.0.panics.load(Ordering::SeqCst), "secret-internals");
        let mut hangs = self.0.hangs.subscribe();
        if *hangs.borrow_and_update() {
            self.0.hanging.fetch_add(1, Ordering::SeqCst);
            let _ = hangs.wait_for(|hangs| !hangs).await;
        }
        match self.0.broken.load(Ordering::SeqCst) {
            true => Err(StoreError::Broken("secret-internals".to_owned().into())),
            false => Ok(()),
        }
    }
}

#[async_trait]
impl Views for Breakable {
    async fn put(&self, rows: Arc<Vec<ViewWrite>>) -> Result<(), StoreError> {
        self.1.put(rows).await
    }

    async fn get(&self, keys: &[ViewKey]) -> Result<Vec<Option<Vec<u8>>>, StoreError> {
        if keys.iter().all(|key| !["credentials", "organizations"].contains(&key.view)) {
            self.check().await?;
        }
        self.1.get(keys).await
    }

    async fn scan(&self, scan: &Scan) -> Result<Vec<ViewRow>, StoreError> {
        self.check().await?;
        self.1.scan(scan).await
    }
}

struct Countable(Arc<AtomicBool>, MemoryLimits);

#[async_trait]
impl RequestLimits for Countable {
    async fn enter(&self, enter: &Enter) -> Result<LimitsEntered, LimitsDown> {
        match self.0.load(Ordering::SeqCst) {
            true => Err(LimitsDown("no connection".to_owned().into())),
            false => self.1.enter(enter).await,
        }
    }

    async fn leave(&self, owner: &str, mark: &Mark) -> Result<(), LimitsDown> {
        self.1.leave(owner, mark).await
    }
}

struct Tests(Arc<std::sync::Mutex<Vec<Message>>>);

#[async_trait]
impl SendTest for Tests {
    async fn send_test(&self, message: Message) -> Option<u16> {
        let status = message.url.rsplit('/').next().and_then(|last| last.parse().ok());
        self.0.lock().unwrap().push(message);
        status
    }
}

impl World {
    pub async fn start() -> World {
        World::with(WorldSettings::default()).await
    }

    /// While no other test runs on it: each has a world of its own.
    pub async fn alone() -> World {
        World::start().await
    }

    pub async fn with(settings: WorldSettings) -> World {
        let (clock, ids): (Arc<dyn Clock>, Arc<dyn Ids>) = (Arc::new(SystemClock), Arc::new(RandomIds));
        let (deciding, store, limits_down) = (Deciding::default(), Arc::default(), Arc::default());
        let tests = Arc::<std::sync::Mutex<Vec<Message>>>::default();
        let key = DeploymentKey::new([7; DeploymentKey::BYTES]);
        let sealer = Sealer::new(Arc::new(MemoryOwnerKeys::default()), key.clone(), Arc::clone(&ids));
        let parts = FrontDoorParts {
            views: Arc::new(Breakable(Arc::clone(&store), Arc::new(deciding.views.clone()))),
            limits: Arc::new(Countable(Arc::clone(&limits_down), MemoryLimits::new(Arc::clone(&clock)))),
            commands: Arc::new(deciding.clone()),
            sealer: sealer.clone(),
            send_test: Arc::new(Tests(Arc::clone(&tests))),
            clock,
            ids,
        };
        let door = Arc::new(FrontDoor::new(parts, settings.config));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let server = tokio::spawn(async move {
            door.serve(listener, std::future::pending()).await;
        });
        World { url, deciding, store, limits_down, tests, sealer, secrets: Secrets::new(key), server }
    }

    pub fn url(&self) -> &str {
        &self.url
    }

    /// Every front door.
    pub fn urls(&self) -> Vec<String> {
        vec![self.url.clone()]
    }

    async fn operate(&self, owner: Owner, command: Command) {
        let now = SystemClock.now();
        let envelope = Envelope {
            rules: AgentGate::RULES,
            owner,
            attempt: Some(Attempt::mint(now, &RandomIds.random())),
            key: None,
            received_at: now,
            command,
        };
        let outcome = self.deciding.decide(envelope).await;
        assert!(matches!(outcome, CommandOutcome::Answered(_)), "{outcome:?}");
    }

    /// A new organization: its id.
    pub async fn organization(&self, limited: Limited) -> String {
        let org = OrgId::mint(SystemClock.now(), &RandomIds.random());
        let owner = Owner::Org(org);
        self.sealer.create(owner.log_key()).await.unwrap();
        let put = PutOrganization {
            new: true,
            billing: Some(if limited.billing { Billing::Ok } else { Billing::None }),
            included_cents: Some(limited.included_cents),
            purchased_cents: Some(limited.purchased_cents),
            concurrency: Some(limited.concurrency),
            requests_per_minute: Some(limited.requests_per_minute),
            submissions_per_minute: Some(limited.submissions_per_minute),
            ..PutOrganization::default()
        };
        self.operate(owner, Command::OrgPut(put)).await;
        org.to_string()
    }

    /// A new key: its id and the key.
    pub async fn key(&self, org: &str, scopes: &[&str]) -> (String, String) {
        let scopes: Scopes = scopes.iter().map(|scope| Scope::parse(scope).unwrap()).collect();
        self.new_key(Owner::Org(OrgId::parse(org).unwrap()), KeyUse::Client, "org_live_", scopes).await
    }

    /// A new worker's key of an organization, or of the fleet.
    pub async fn worker_key(&self, org: Option<&str>) -> (String, String) {
        let (owner, key_use) = match org {
            Some(org) => (Owner::Org(OrgId::parse(org).unwrap()), KeyUse::Worker),
            None => (Owner::Fleet, KeyUse::Fleet),
        };
        self.new_key(owner, key_use, "agw_live_", Scopes::NONE).await
    }

    async fn new_key(&self, owner: Owner, key_use: KeyUse, prefix: &str, scopes: Scopes) -> (String, String) {
        let id = KeyId::mint(SystemClock.now(), &RandomIds.random());
        let key = format!("{prefix}{}", &KeyId::mint(SystemClock.now(), &RandomIds.random()).to_string()[4..]);
        let hash = self.secrets.credential(&key);
        self.operate(owner, Command::KeyPut(PutKey { key: id, key_use, hash, scopes })).await;
        (id.to_string(), key)
    }

    pub async fn revoke(&self, org: &str, key: &str) {
        let key = KeyId::parse(key).unwrap();
        self.operate(Owner::Org(OrgId::parse(org).unwrap()), Command::KeyRevoke(RevokeKey { key })).await;
    }

    pub async fn suspend(&self, org: &str, suspended: bool) {
        let command = Command::Suspend(SetSuspension { suspended });
        self.operate(Owner::Org(OrgId::parse(org).unwrap()), command).await;
    }

    /// Ends an organization, and destroys its data key.
    pub async fn erase(&self, org: &str) {
        let owner = Owner::Org(OrgId::parse(org).unwrap());
        self.operate(owner, Command::Erase {}).await;
        self.sealer.erase(owner.log_key()).await.unwrap();
    }

    pub async fn credit(&self, org: &str, cents: u64) {
        let transaction = TransactionId::mint(SystemClock.now(), &RandomIds.random());
        let command = Command::Credit(AddCredit { transaction, cents });
        self.operate(Owner::Org(OrgId::parse(org).unwrap()), command).await;
    }
}
