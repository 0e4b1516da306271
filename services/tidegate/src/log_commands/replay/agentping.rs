//! AgentPing's records: chosen by team, agent and kind; a dry run folds them in memory.

mod agents;
mod choice;
mod filters;
mod folding;
mod readable;
#[cfg(test)]
mod samples;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use serde_json::{Value, json};
use tidegate_agentping_ports::{Registry, Runs};
use tidegate_kafka::{KafkaDeadLetters, KafkaLag, KafkaLog, KafkaReadLog, topics};
use tidegate_ports::{Clock, SystemClock};
use tidegate_replay::ReplayPorts;
use tidegate_scylla::{Cql, ScyllaRegistry, ScyllaStore, agentping};
use tidegate_shedding::ShedThresholds;
use tidegate_sqlite::{DataFolder, EmbeddedReadLog};

use super::counts::CountKinds;
use super::opened::Opened;
use super::product::Product;
use crate::assemble::distributed::{FLUSH_GRACE, flushing, options_of, wait_for_log, wait_for_store};
use crate::assemble::embedded;
use crate::assemble::read_only::names_servers;
use crate::cli::ReplayArgs;
use crate::config::Config;
use crate::failure::Failure;
use crate::log_commands::kind::ByKind;
use choice::ByFilters;
use filters::Filters;
use folding::Folding;
use readable::Readable;

/// What is read of AgentPing's stores.
pub struct AgentPing {
    /// For reading: the persister alone writes runs.
    runs: Arc<dyn Runs>,
    registry: Arc<dyn Registry>,
}

impl Product for AgentPing {
    type Kinds = ByKind;
    type Filters = Filters;
    type Choose = ByFilters;
    type Foresee = Folding;

    async fn open(config: &Config, dry_run: bool) -> Result<Opened<Self>, Failure> {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        if names_servers(config) { on_servers(config, clock).await } else { in_folder(config, clock, dry_run).await }
    }

    fn thresholds(config: &Config) -> ShedThresholds {
        config.admission.shed
    }

    async fn filters(&self, args: &ReplayArgs) -> Result<Filters, Failure> {
        if args.org.is_some() {
            return Err(Failure::config("--org chooses commands of AgentGate").or_else("add --api agentgate"));
        }
        let team = match &args.team {
            Some(text) => Some(crate::manage::team(&*self.registry, text).await?.id),
            None => None,
        };
        Ok(Filters { team, agent: args.agent.clone(), kind: args.kind })
    }

    fn choose(&self, filters: &Filters) -> ByFilters {
        ByFilters::new(filters, self.runs.clone())
    }

    fn foresee(&self) -> Folding {
        Folding::new(self.runs.clone())
    }
}

async fn on_servers(config: &Config, clock: Arc<dyn Clock>) -> Result<Opened<AgentPing>, Failure> {
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
    let product =
        AgentPing { runs: Arc::new(ScyllaStore::new(cql.clone())), registry: Arc::new(ScyllaRegistry::new(cql)) };
    let close = flushing(log, options.append.message_timeout + FLUSH_GRACE);
    Ok(Opened::on_servers(ports, product, options.topics.records, close))
}

async fn in_folder(config: &Config, clock: Arc<dyn Clock>, dry_run: bool) -> Result<Opened<AgentPing>, Failure> {
    let asked = config.is_set("region").then_some(config.region);
    let folder = DataFolder::open_existing(&config.data, asked)?;
    let config = Config { region: folder.region(), ..config.clone() };
    let opened = embedded::open(&config, &clock).await?;
    let embedded::AllPorts { persister, registry, log, .. } = opened.ports;
    let ports = ReplayPorts {
        log: Arc::new(EmbeddedReadLog::open(&folder)?),
        again: Arc::new(log),
        dead_letters: persister.dead_letters.clone(),
        lag: persister.lag.clone(),
        clock: clock.clone(),
    };
    let product = AgentPing { runs: persister.runs.clone(), registry };
    let at = (&config, clock, dry_run);
    Ok(Opened::in_folder(at, ports, product, opened.close, |roles, parts| roles.start_persister(parts, persister)))
}

impl CountKinds for ByKind {
    type Record = Readable;

    fn count(&mut self, record: &Readable) {
        ByKind::count(self, record.kind());
    }

    fn add(&mut self, other: &Self) {
        ByKind::add(self, other);
    }

    fn total(&self) -> u64 {
        ByKind::total(self)
    }

    fn as_json(&self) -> Value {
        json!({
            "total": self.total(), "start": self.start, "events": self.events, "finish": self.finish,
            "heartbeat": self.heartbeat, "unreadable": self.unreadable,
        })
    }
}
