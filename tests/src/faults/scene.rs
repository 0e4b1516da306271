//! A deployment whose ways to its servers can be blocked, slowed and cut.

use std::sync::Arc;

use tokio::sync::Mutex;

use super::cassandra::Cassandra;
use super::kafka::Kafka;
use super::proxy::{Mode, Proxy};
use crate::servers::Server;
use crate::stack::{Addresses, GroupProtocol, RedisServer, Settings};
use crate::{Deployment, Target};

/// Two front doors, two persisters, control; besides, one persister to be. Or AgentGate's roles. Redis is the scene's own, the store is the
/// real stack's behind a proxy, Kafka is the real stack's or the scene's own behind proxies.
pub struct Scene {
    pub target: Target,
    pub redis: Mutex<RedisServer>,
    /// The way to Redis.
    pub gate: Proxy,
    /// The way to the store.
    pub store: Proxy,
    pub kafka: Option<Mutex<Kafka>>,
    pub cassandra: Option<Mutex<Cassandra>>,
}

impl Scene {
    /// On the real stack's Kafka.
    pub async fn on_the_stack(binary: &str, seed: u64) -> Self {
        Scene::raise(binary, seed, Servers::default(), roles()).await
    }

    /// On the real stack's Kafka and a store of its own.
    pub async fn on_its_own_store(binary: &str, seed: u64) -> Self {
        let cassandra = Some(Cassandra::spawn("batch").await);
        Scene::raise(binary, seed, Servers { cassandra, ..Servers::default() }, roles()).await
    }

    /// On a Kafka of its own with so many brokers.
    pub async fn on_its_own_kafka(binary: &str, seed: u64, brokers: usize) -> Self {
        let kafka = Some(Kafka::spawn(brokers, seed).await);
        let (replicas, insync) = if brokers < 3 { (1, 1) } else { (3, 2) };
        let mut roles = roles();
        roles.more.push(("kafka", "replication", replicas.to_string()));
        roles.more.push(("kafka", "min_insync_replicas", insync.to_string()));
        Scene::raise(binary, seed, Servers { kafka, ..Servers::default() }, roles).await
    }

    /// AgentGate's roles on the real stack's Kafka.
    pub async fn of_agentgate(binary: &str, seed: u64) -> Self {
        Scene::raise(binary, seed, Servers::default(), roles_of_agentgate()).await
    }

    /// The same on a Kafka of its own with three brokers, each partition on one of them alone.
    pub async fn of_agentgate_on_its_own_kafka(binary: &str, seed: u64) -> Self {
        let kafka = Some(Kafka::spawn(3, seed).await);
        Scene::raise(binary, seed, Servers { kafka, ..Servers::default() }, roles_of_agentgate()).await
    }

    async fn raise(binary: &str, seed: u64, servers: Servers, roles: Settings) -> Self {
        let Servers { kafka, cassandra } = servers;
        let stack = Addresses::found();
        let redis = RedisServer::spawn().await;
        let gate = Proxy::to(redis.url().trim_start_matches("redis://"), seed ^ 1).await;
        let cql = cassandra.as_ref().map_or_else(|| stack.cql.clone(), Cassandra::address);
        let store = Proxy::to(&cql, seed ^ 2).await;
        let settings = Settings {
            redis_url: Some(format!("redis://{}", gate.address())),
            redis_patience_ms: 400,
            cql: Some(store.address()),
            kafka: kafka.as_ref().map(Kafka::addresses),
            protocol: GroupProtocol::Consumer,
            ..roles
        };
        let target = Target::on_the_stack(binary, &settings).await;
        let (kafka, cassandra) = (kafka.map(Mutex::new), cassandra.map(Mutex::new));
        Scene { target, redis: Mutex::new(redis), gate, store, kafka, cassandra }
    }

    pub fn deployment(&self) -> Arc<Deployment> {
        self.target.deployment()
    }

    /// The process of this name.
    pub fn server(&self, name: &str) -> &Server {
        self.target.servers().named(name)
    }

    /// Opens every way and starts what is down: as every fault finds it.
    pub async fn whole(&self) {
        self.gate.set(Mode::Pass);
        self.store.set(Mode::Pass);
        if let Some(kafka) = &self.kafka {
            kafka.lock().await.set(Mode::Pass);
        }
        for server in self.target.servers().all() {
            server.arm(&[]);
            if server.is_spare() {
                server.kill();
            } else if server.has_ended() {
                server.kill();
                server.start().await;
            }
        }
    }
}

/// Servers that are the scene's own instead of the real stack's.
#[derive(Default)]
struct Servers {
    kafka: Option<Kafka>,
    cassandra: Option<Cassandra>,
}

/// AgentPing's, with one persister to be.
fn roles() -> Settings {
    Settings { spare_persisters: 1, more: patience(), ..Settings::default() }
}

/// Two front doors of AgentGate and two deciders; of AgentPing the read API alone.
fn roles_of_agentgate() -> Settings {
    Settings { front_doors: 0, persisters: 0, agentgate: 2, ..Settings::default() }
}

/// Room for ten thousand idle connections, and slow clients that are cut off while the test watches.
fn patience() -> Vec<(&'static str, &'static str, String)> {
    vec![
        ("ingest", "max_connections", "12000".to_owned()),
        ("ingest", "header_timeout_ms", "5000".to_owned()),
        ("ingest", "body_timeout_ms", "5000".to_owned()),
    ]
}
