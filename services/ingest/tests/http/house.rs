//! One front door on in-memory ports, with one team's key and ping token.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use axum::Router;
use axum::body::Body;
use bytes::Bytes;
use http::{HeaderMap, Method, Request, StatusCode};
use http_body_util::BodyExt;
use hyper::service::Service;
use hyper_util::service::TowerToHyperService;
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use serde_json::Value;
use tidegate_admission::{Admission, AdmissionConfig, AdmissionPorts};
use tidegate_agentping::{Credential, KeyAccess, KeyId, Plan, Slug, TeamId, TokenId};
use tidegate_agentping_inproc::gate::MemoryGate;
use tidegate_agentping_inproc::noted_accounts::MemoryNotedAccounts;
use tidegate_agentping_inproc::registry::MemoryRegistry;
use tidegate_agentping_inproc::runs::MemoryRuns;
use tidegate_agentping_ports::{KeyRow, Registry, Team, TokenRow};
use tidegate_ingest::{Ingest, IngestConfig};
use tidegate_inproc::clock::TestClock;
use tidegate_inproc::log::{MemoryLog, MemoryLogOptions};
use tidegate_kernel::{LogKey, Partition, Position, Region, Timestamp};
use tidegate_ports::{Append, AppendError, RandomIds};
use tokio::sync::Semaphore;

pub const KEY: &str = "apk_eu_000000000000000000000000000000a1";
pub const TOKEN: &str = "ping_eu_000000000000000000000000000000b1";
pub const RUN: &str = "run_eu_018f3a2b9c1d7e8fa4b9c2d7e8f1a3b6";
pub const NOW: &str = "2026-05-15T14:32:01.123Z";

/// A log that takes records only as far as it is let.
pub struct HeldLog {
    pub log: MemoryLog,
    pub passes: Semaphore,
    /// Records brought so far, taken or not.
    pub brought: AtomicUsize,
    pub panics: bool,
}

#[async_trait]
impl Append for HeldLog {
    async fn append(&self, key: LogKey, record: Bytes) -> Result<Position, AppendError> {
        assert!(!self.panics, "told to panic");
        self.brought.fetch_add(1, Ordering::SeqCst);
        let pass = self.passes.acquire().await.map_err(|error| AppendError::NotPersisted(error.to_string().into()))?;
        pass.forget();
        self.log.append(key, record).await
    }

    fn partition_of(&self, key: LogKey) -> Partition {
        self.log.partition_of(key)
    }
}

pub struct House {
    pub ingest: Arc<Ingest>,
    pub log: Arc<HeldLog>,
    pub clock: Arc<TestClock>,
    router: Router,
    metrics: PrometheusHandle,
}

pub struct Options {
    pub plan: Plan,
    /// How many records the log takes before it holds.
    pub passes: usize,
    pub panics: bool,
    pub max_in_flight: u32,
    pub max_body_bytes_in_flight: usize,
}

impl Default for Options {
    fn default() -> Self {
        Options {
            plan: Plan::Team,
            passes: 1_000,
            panics: false,
            max_in_flight: 100,
            max_body_bytes_in_flight: 4 << 20,
        }
    }
}

#[derive(Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub text: String,
}

impl Answer {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap()
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }
}

pub fn request(method: Method, target: &str, body: &str) -> Request<Body> {
    let builder = Request::builder().method(method).uri(target);
    builder.header("authorization", format!("Bearer {KEY}")).body(Body::from(body.to_owned())).unwrap()
}

pub fn post(target: &str, body: &str) -> Request<Body> {
    request(Method::POST, target, body)
}

pub fn get(target: &str) -> Request<Body> {
    Request::builder().uri(target).body(Body::empty()).unwrap()
}

pub fn start_body() -> String {
    format!(r#"{{"id":"{RUN}","agent":"daily","started_at":"{NOW}"}}"#)
}

impl House {
    pub async fn new(options: Options) -> Self {
        let created_at = Timestamp::parse(NOW).unwrap();
        let registry = MemoryRegistry::default();
        let team = TeamId::from_bits(Region::Eu, 1);
        registry
            .create_team(Team { id: team, name: "one".to_owned(), plan: options.plan, created_at, archived_at: None })
            .await
            .unwrap();
        let hash = |text| Credential::parse(text).unwrap().hash();
        let key = KeyRow {
            id: KeyId::from_bits(Region::Eu, 1),
            team,
            access: KeyAccess::Full,
            created_at,
            revoked_at: None,
            label: None,
        };
        registry.create_key(key, hash(KEY)).await.unwrap();
        let token = TokenRow {
            id: TokenId::from_bits(Region::Eu, 1),
            team,
            agent: Slug::parse("daily").unwrap(),
            created_at,
            revoked_at: None,
            expires_at: None,
        };
        registry.create_token(token, hash(TOKEN)).await.unwrap();
        let clock = Arc::new(TestClock::at(created_at));
        let memory_log = MemoryLog::new(MemoryLogOptions::default(), clock.clone());
        let lag = Arc::new(memory_log.lag("persister"));
        let passes = Semaphore::new(options.passes);
        let log = Arc::new(HeldLog { log: memory_log, passes, brought: AtomicUsize::new(0), panics: options.panics });
        let runs = Arc::new(MemoryRuns::new(registry.clone()));
        let ports = AdmissionPorts {
            clock: clock.clone(),
            credentials: Arc::new(registry.clone()),
            rates: Arc::new(registry),
            agents: runs.clone(),
            usage: runs.clone(),
            stored: runs,
            gate: Arc::new(MemoryGate::default()),
            append: log.clone(),
            lag,
            accounts: Arc::new(MemoryNotedAccounts::default()),
        };
        let mut admission = AdmissionConfig::new(Region::Eu);
        // A busy machine may keep a request from going on for a while.
        admission.timeouts.send_within_ms = 60_000;
        admission.timeouts.append_ms = 60_000;
        let admission = Arc::new(Admission::new(ports, admission));
        let config = IngestConfig {
            max_in_flight: options.max_in_flight,
            max_body_bytes_in_flight: options.max_body_bytes_in_flight,
            ..IngestConfig::new(Region::Eu)
        };
        let recorder = PrometheusBuilder::new().build_recorder();
        let metrics = recorder.handle();
        let ingest = metrics::with_local_recorder(&recorder, || {
            Arc::new(Ingest::new(config, admission, clock.clone(), Arc::new(RandomIds)))
        });
        House { router: ingest.clone().router(), ingest, log, clock, metrics }
    }

    pub async fn send(&self, request: Request<Body>) -> Answer {
        let response = TowerToHyperService::new(self.router.clone()).call(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let bytes = body.collect().await.unwrap().to_bytes();
        Answer { status: parts.status, headers: parts.headers, text: String::from_utf8(bytes.to_vec()).unwrap() }
    }

    /// The sum of a counter's lines that have all of these labels.
    pub fn count(&self, metric: &str, labels: &[&str]) -> u64 {
        let rendered = self.metrics.render();
        let lines = rendered.lines().filter(|line| line.starts_with(&format!("{metric}{{")));
        lines
            .filter(|line| labels.iter().all(|label| line.contains(label)))
            .map(|line| line.rsplit(' ').next().unwrap().parse::<u64>().unwrap())
            .sum()
    }

    /// A gauge without labels.
    pub fn gauge(&self, metric: &str) -> f64 {
        let rendered = self.metrics.render();
        let value = rendered.lines().find_map(|line| line.strip_prefix(metric)?.strip_prefix(' '));
        value.unwrap().parse().unwrap()
    }

    pub fn records(&self) -> usize {
        (0..MemoryLogOptions::default().partitions).map(|partition| self.log.log.records(partition).len()).sum()
    }
}

/// Waits until `holds`, looking again whenever other work had its turn.
pub async fn wait_until(what: &str, holds: impl Fn() -> bool) {
    let turns = async {
        while !holds() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), turns).await.unwrap_or_else(|_| panic!("never came true: {what}"));
}
