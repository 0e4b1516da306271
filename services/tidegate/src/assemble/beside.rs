//! What commands look at beside running services: the lag of the persisters, the dead letters. Nothing is written.

use std::sync::Arc;
use std::time::Duration;

use tidegate_kafka::{KafkaDeadLetters, KafkaLag};
use tidegate_ports::{Accounts, Clock, DeadLetters, ReadLag};
use tidegate_scylla::{Cql, ScyllaStore};
use tidegate_sqlite::dead_letters::EmbeddedReadDeadLetters;
use tidegate_sqlite::{DataFolder, EmbeddedReadLog};
use tokio::time::timeout;

use super::{OpenedRegistry, distributed, embedded};
use crate::config::Config;
use crate::page::Page;

/// A command waits no longer for what only rounds its answer off.
const ACCOUNTS_WITHIN: Duration = Duration::from_secs(5);

/// Whether the configuration means servers, and not a data folder.
pub const fn names_servers(config: &Config) -> bool {
    config.kafka.is_some() || config.redis.is_some() || config.scylla.is_some()
}

/// How far the persisters are behind.
pub struct LagBeside {
    pub lag: Arc<dyn ReadLag>,
    /// What is applied whatever the group has committed; `None`: a folder's group cannot be lost, or there is no store.
    pub accounts: Option<Arc<dyn Accounts>>,
    /// Their consumer group.
    pub group: String,
    /// Whose log it is.
    pub log: String,
}

/// A store that cannot be read is passed over, and said.
///
/// # Errors
/// What is wrong, and the way out.
pub async fn lag(config: &Config, clock: &Arc<dyn Clock>) -> Result<LagBeside, String> {
    if names_servers(config) {
        let kafka = config.kafka()?;
        let options = distributed::options_of(kafka, "lag");
        let lag = KafkaLag::watch(&options, &kafka.group, clock.clone()).map_err(told)?;
        let log = format!("{} at {}", options.topics.records, options.brokers);
        let accounts = accounts(config).await;
        return Ok(LagBeside { lag: Arc::new(lag), accounts, group: kafka.group.clone(), log });
    }
    let folder = folder(config)?;
    let read = EmbeddedReadLog::open(&folder).map_err(told)?;
    let (group, log) = (embedded::GROUP.to_owned(), folder.path().display().to_string());
    Ok(LagBeside { lag: Arc::new(read.lag(&group, clock.clone())), accounts: None, group, log })
}

async fn accounts(config: &Config) -> Option<Arc<dyn Accounts>> {
    let options = &config.scylla.as_ref()?.options;
    match timeout(ACCOUNTS_WITHIN, Cql::connect(options)).await {
        Ok(Ok(cql)) => return Some(Arc::new(ScyllaStore::new(cql))),
        Ok(Err(error)) => passed_over(&error),
        Err(_) => passed_over(&format_args!("no answer within {ACCOUNTS_WITHIN:?}")),
    }
    None
}

fn passed_over(why: &dyn std::fmt::Display) {
    Page::errors().line(format_args!("what the store has is not known, so only what is committed counts: {why}"));
}

/// The dead letters, for reading.
///
/// # Errors
/// What is wrong, and the way out.
pub fn dead_letters(config: &Config, clock: &Arc<dyn Clock>) -> Result<Arc<dyn DeadLetters>, String> {
    if names_servers(config) {
        let options = distributed::options_of(config.kafka()?, "dead-letters");
        return Ok(Arc::new(KafkaDeadLetters::open(&options, clock.clone()).map_err(told)?));
    }
    Ok(Arc::new(EmbeddedReadDeadLetters::open(&folder(config)?).map_err(told)?))
}

/// Who knows the teams by name.
///
/// # Errors
/// What is wrong, and the way out.
pub async fn registry(config: &Config) -> Result<OpenedRegistry, String> {
    if names_servers(config) {
        return distributed::registry(config).await;
    }
    let folder = folder(config)?;
    embedded::open_registry(folder.path(), Some(folder.region()))
}

fn folder(config: &Config) -> Result<DataFolder, String> {
    let asked = config.is_set("region").then_some(config.region);
    DataFolder::open_existing(&config.data, asked).map_err(told)
}

fn told(error: impl std::fmt::Display) -> String {
    error.to_string()
}
