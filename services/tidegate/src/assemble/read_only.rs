//! The ports of commands that only read, while services run: the consumers' lag, the dead letters, the registry.

use std::sync::Arc;
use std::time::Duration;

use tidegate_kafka::{KafkaDeadLetters, KafkaLag};
use tidegate_ports::{Accounts, Clock, DeadLetters, ReadLag, SystemClock};
use tidegate_scylla::{Cql, ScyllaCommands, ScyllaStore, agentping};
use tidegate_sqlite::dead_letters::EmbeddedReadDeadLetters;
use tidegate_sqlite::{DataFolder, EmbeddedReadLog};
use tokio::time::timeout;

use super::{OpenedRegistry, commands, distributed, embedded};
use crate::cli::Api;
use crate::config::Config;
use crate::console::Console;
use crate::failure::Failure;

/// A command waits no longer for the accounts: its answer is useful without them.
const ACCOUNTS_WITHIN: Duration = Duration::from_secs(5);

/// Whether the configuration names servers; otherwise the data folder counts.
pub const fn names_servers(config: &Config) -> bool {
    config.kafka.is_some() || config.redis.is_some() || config.scylla.is_some()
}

/// How far the consumers of an API are behind.
pub struct WatchedLag {
    pub lag: Arc<dyn ReadLag>,
    /// Records that are applied whatever the group has committed; `None` for a folder, whose group cannot be lost, and
    /// without a store.
    pub accounts: Option<Arc<dyn Accounts>>,
    /// Their consumer group.
    pub group: String,
    /// The log, in words: its topic and brokers, or its folder.
    pub log: String,
}

/// Opens the lag. Where the store cannot be read, a line on standard error says so, and its accounts do not count.
///
/// # Errors
/// What is wrong, and what to do about it.
pub async fn lag(config: &Config, api: Api, clock: &Arc<dyn Clock>) -> Result<WatchedLag, Failure> {
    if names_servers(config) {
        let kafka = match api {
            Api::AgentPing => config.kafka()?.clone(),
            Api::AgentGate => commands::distributed::kafka(config)?,
        };
        let options = distributed::options_of(&kafka, "lag");
        let lag = KafkaLag::watch(&options, &kafka.group, clock.clone())?;
        let log = format!("{} at {}", options.topics.records, options.brokers);
        let accounts = accounts(config, api, clock).await;
        return Ok(WatchedLag { lag: Arc::new(lag), accounts, group: kafka.group, log });
    }
    let (folder, group) = match api {
        Api::AgentPing => (folder(config)?, embedded::GROUP),
        Api::AgentGate => (commands::embedded::existing(config)?, commands::embedded::GROUP),
    };
    let read = EmbeddedReadLog::open(&folder)?;
    let (group, log) = (group.to_owned(), folder.path().display().to_string());
    Ok(WatchedLag { lag: Arc::new(read.lag(&group, clock.clone())), accounts: None, group, log })
}

async fn accounts(config: &Config, api: Api, clock: &Arc<dyn Clock>) -> Option<Arc<dyn Accounts>> {
    let options = &config.scylla.as_ref()?.options;
    let connecting = async {
        let accounts: Arc<dyn Accounts> = match api {
            Api::AgentPing => Arc::new(ScyllaStore::new(Cql::connect(options, &agentping::SCHEMA).await?)),
            Api::AgentGate => {
                let options = commands::distributed::scylla(config)?;
                let cql = Cql::connect(&options, &tidegate_scylla::commands::SCHEMA).await?;
                Arc::new(ScyllaCommands::new(cql, clock.clone()))
            }
        };
        Ok::<_, Failure>(accounts)
    };
    match timeout(ACCOUNTS_WITHIN, connecting).await {
        Ok(Ok(accounts)) => return Some(accounts),
        Ok(Err(error)) => passed_over(&error),
        Err(_) => passed_over(&format_args!("no answer within {ACCOUNTS_WITHIN:?}")),
    }
    None
}

fn passed_over(why: &dyn std::fmt::Display) {
    Console::errors().line(format_args!("what the store has is not known, so only what is committed counts: {why}"));
}

/// The dead letters, for reading.
///
/// # Errors
/// What is wrong, and what to do about it.
pub fn dead_letters(config: &Config, clock: &Arc<dyn Clock>) -> Result<Arc<dyn DeadLetters>, Failure> {
    if names_servers(config) {
        let options = distributed::options_of(config.kafka()?, "dead-letters");
        return Ok(Arc::new(KafkaDeadLetters::open(&options, clock.clone())?));
    }
    Ok(Arc::new(EmbeddedReadDeadLetters::open(&folder(config)?)?))
}

/// The registry, which knows the teams by name.
///
/// # Errors
/// What is wrong, and what to do about it.
pub async fn registry(config: &Config) -> Result<OpenedRegistry, Failure> {
    if names_servers(config) {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        return distributed::registry(config, &clock).await;
    }
    let folder = folder(config)?;
    embedded::open_registry(folder.path(), Some(folder.region()))
}

fn folder(config: &Config) -> Result<DataFolder, Failure> {
    let asked = config.is_set("region").then_some(config.region);
    Ok(DataFolder::open_existing(&config.data, asked)?)
}
