//! Where a replay works: on Kafka and the store while services run there, or on a data folder that is open in no other
//! process.

use std::sync::Arc;

use tidegate_agentping_ports::{Registry, Runs};
use tidegate_kafka::{KafkaDeadLetters, KafkaLag, KafkaLog, KafkaReadLog, topics};
use tidegate_lifecycle::{ExitReport, Parts};
use tidegate_ports::{Clock, RandomIds, SystemClock};
use tidegate_replay::ReplayPorts;
use tidegate_scylla::{Cql, ScyllaRegistry, ScyllaStore, agentping};
use tidegate_sqlite::{DataFolder, EmbeddedReadLog};
use tokio::sync::Mutex;

use crate::assemble::distributed::{FLUSH_GRACE, flushing, options_of, wait_for_log, wait_for_store};
use crate::assemble::read_only::names_servers;
use crate::assemble::{Close, embedded};
use crate::config::Config;
use crate::dev::catch_up::catch_up;
use crate::failure::Failure;
use crate::roles::Roles;

/// The opened deployment, and how it is closed.
pub struct Deployment {
    pub ports: ReplayPorts,
    /// For reading: the persister alone writes runs.
    pub runs: Arc<dyn Runs>,
    pub registry: Arc<dyn Registry>,
    /// The log in words that are the same each time: part of the progress file's name.
    pub log_name: String,
    parts: Mutex<Parts>,
    /// A folder's own persister, so that lag falls meanwhile.
    roles: Option<Roles>,
    close: Close,
}

impl Deployment {
    /// Opens what the configuration names. A dry run folds nothing in.
    ///
    /// # Errors
    /// What is wrong, and what to do about it.
    pub async fn open(config: &Config, dry_run: bool) -> Result<Self, Failure> {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        if names_servers(config) {
            Self::on_servers(config, clock).await
        } else {
            Self::in_folder(config, clock, dry_run).await
        }
    }

    async fn on_servers(config: &Config, clock: Arc<dyn Clock>) -> Result<Self, Failure> {
        let kafka = config.kafka()?;
        let options = options_of(kafka, "replay");
        let store = &config.scylla()?.options;
        // The store first: it says whether it is of this region.
        let cql = wait_for_store(config, store, || Cql::connect(store, &agentping::SCHEMA)).await?;
        wait_for_log(config, &options, || topics::check(&options, &kafka.layout)).await?;
        let log = KafkaLog::connect(options.clone(), clock.clone())?;
        let ports = ReplayPorts {
            log: Arc::new(KafkaReadLog::open(&options)?),
            again: Arc::new(log.clone()),
            dead_letters: Arc::new(KafkaDeadLetters::open(&options, clock.clone())?),
            lag: Arc::new(KafkaLag::watch(&options, &kafka.group, clock.clone())?),
            clock,
        };
        Ok(Deployment {
            ports,
            runs: Arc::new(ScyllaStore::new(cql.clone())),
            registry: Arc::new(ScyllaRegistry::new(cql)),
            log_name: options.topics.records.clone(),
            parts: Mutex::default(),
            roles: None,
            close: flushing(log, options.append.message_timeout + FLUSH_GRACE),
        })
    }

    async fn in_folder(config: &Config, clock: Arc<dyn Clock>, dry_run: bool) -> Result<Self, Failure> {
        let asked = config.is_set("region").then_some(config.region);
        let folder = DataFolder::open_existing(&config.data, asked)?;
        let config = Config { region: folder.region(), ..config.clone() };
        let log_name = config.data.canonicalize().unwrap_or_else(|_| config.data.clone()).display().to_string();
        let opened = embedded::open(&config, &clock).await?;
        let embedded::AllPorts { persister, registry, log, .. } = opened.ports;
        let ports = ReplayPorts {
            log: Arc::new(EmbeddedReadLog::open(&folder)?),
            again: Arc::new(log),
            dead_letters: persister.dead_letters.clone(),
            lag: persister.lag.clone(),
            clock: clock.clone(),
        };
        let (parts, runs) = (Parts::default(), persister.runs.clone());
        let roles = (!dry_run).then(|| {
            let mut roles = Roles::new(config.clone(), clock, Arc::new(RandomIds));
            roles.start_persister(&parts, persister);
            roles
        });
        Ok(Deployment { ports, runs, registry, log_name, parts: Mutex::new(parts), roles, close: opened.close })
    }

    /// Resolves if a part of it ends by itself.
    pub async fn failed(&self) -> String {
        self.parts.lock().await.ended_early().await
    }

    /// Waits until a folder's own persister has applied what was appended; elsewhere others do that.
    ///
    /// # Errors
    /// The log cannot be used at all.
    pub async fn catch_up(&self) -> Result<(), Failure> {
        if self.roles.is_some() { catch_up(&*self.ports.lag).await } else { Ok(()) }
    }

    /// Closes it in order.
    pub async fn close(self) -> ExitReport {
        let mut report = ExitReport::default();
        let Deployment { ports, runs, registry, roles, close, .. } = self;
        drop((ports, runs, registry));
        if let Some(roles) = roles {
            report.left.extend(roles.stages().run().await.left);
        }
        if let Err(left) = close.await {
            report.add("log and store", left);
        }
        report
    }
}
