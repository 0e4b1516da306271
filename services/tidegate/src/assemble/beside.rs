//! What commands look at beside running services: the lag of the persisters, the dead letters. Nothing is written.

use std::sync::Arc;

use tidegate_embedded::dead_letters::EmbeddedDeadLettersBeside;
use tidegate_embedded::{DataFolder, EmbeddedReadLog};
use tidegate_kafka::{KafkaDeadLetters, KafkaLag};
use tidegate_ports::{Clock, DeadLetters, ReadLag};

use super::{OpenedRegistry, distributed, embedded};
use crate::config::Config;

/// Whether the configuration means servers, and not a data folder.
pub const fn names_servers(config: &Config) -> bool {
    config.kafka.is_some() || config.redis.is_some() || config.scylla.is_some()
}

/// How far the persisters are behind.
pub struct LagBeside {
    pub lag: Arc<dyn ReadLag>,
    /// Their consumer group.
    pub group: String,
    /// Whose log it is.
    pub log: String,
}

/// # Errors
/// What is wrong, and the way out.
pub fn lag(config: &Config, clock: &Arc<dyn Clock>) -> Result<LagBeside, String> {
    if names_servers(config) {
        let kafka = config.kafka()?;
        let options = distributed::options_of(kafka, "lag");
        let lag = KafkaLag::watch(&options, &kafka.group, clock.clone()).map_err(told)?;
        let log = format!("{} at {}", options.topics.records, options.brokers);
        return Ok(LagBeside { lag: Arc::new(lag), group: kafka.group.clone(), log });
    }
    let folder = folder(config)?;
    let read = EmbeddedReadLog::open(&folder).map_err(told)?;
    let (group, log) = (embedded::GROUP.to_owned(), folder.path().display().to_string());
    Ok(LagBeside { lag: Arc::new(read.lag(&group, clock.clone())), group, log })
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
    Ok(Arc::new(EmbeddedDeadLettersBeside::open(&folder(config)?).map_err(told)?))
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
