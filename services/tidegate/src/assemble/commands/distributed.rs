//! An API of commands on Kafka, Redis and ScyllaDB or Cassandra: a topic, a keyspace and a prefix of its own.

use std::sync::Arc;

use tidegate_commands::sealing::Sealer;
use tidegate_kafka::{KafkaConsumer, KafkaLag, KafkaLog, KafkaOptions, KafkaReadLog};
use tidegate_ports::{Clock, RandomIds};
use tidegate_redis::{RedisLimits, RedisOptions};
use tidegate_scylla::commands::{CommandCql, SCHEMA};
use tidegate_scylla::{Cql, ScyllaCommands, ScyllaOptions};

use super::{API, CommandPorts, DeciderPorts, DoorPorts};
use crate::assemble::Opened;
use crate::assemble::distributed::{
    FLUSH_GRACE, flushing, for_samples, leaving, log_as_configured, options_of, wait_for_store,
};
use crate::config::{Config, KafkaConfig, is_keyspace};
use crate::failure::Failure;

/// AgentGate's topic and group.
///
/// # Errors
/// No broker is named.
pub fn kafka(config: &Config) -> Result<KafkaConfig, Failure> {
    Ok(config.kafka()?.of_commands(API, config.region, config.agentgate.partitions))
}

/// AgentGate's keyspace: the one that the configuration names, or AgentPing's with its name at the end.
///
/// # Errors
/// No node is named, it is AgentPing's, or the name would be too long.
pub fn scylla(config: &Config) -> Result<ScyllaOptions, Failure> {
    let options = config.scylla()?.options.clone();
    let keyspace = match config.agentgate.keyspace.as_str() {
        "" => format!("{}_{API}", options.keyspace),
        named if named == options.keyspace => {
            return Err(Failure::config(format!("agentgate.keyspace = {named} is AgentPing's (scylla.keyspace)"))
                .or_else("each needs one of its own"));
        }
        named => named.to_owned(),
    };
    if !is_keyspace(&keyspace) {
        return Err(Failure::config(format!("the keyspace {keyspace} has more than 48 characters"))
            .or_else("AgentGate needs a shorter scylla.keyspace"));
    }
    Ok(ScyllaOptions { keyspace, ..options })
}

/// What a front door needs.
///
/// # Errors
/// What is wrong or did not come up, and what to do about it.
pub async fn door(config: &Config, clock: &Arc<dyn Clock>) -> Result<Opened<DoorPorts>, Failure> {
    let key = config.agentgate.secret.clone().ok_or_else(|| {
        Failure::config("agentgate.secret_file is not set")
            .or_else("make one with `openssl rand -hex 32`, the same for every front door, and keep a copy of it")
    })?;
    let kafka = kafka(config)?;
    let options = options_of(&kafka, API);
    let prefix = format!("{}.{}", kafka.prefix, config.region);
    let limits = RedisLimits::connect(RedisOptions { key_prefix: prefix, ..config.redis()?.clone() })?;
    let (commands, store, log) = commands(config, &kafka, &options, clock).await?;
    let ports = DoorPorts { commands, limits: Arc::new(limits), owner_keys: store, key };
    Ok(Opened { ports, close: flushing(log, options.append.message_timeout + FLUSH_GRACE) })
}

/// What a decider needs.
///
/// # Errors
/// What is wrong or did not come up, and what to do about it.
pub async fn decider(config: &Config, clock: &Arc<dyn Clock>) -> Result<Opened<DeciderPorts>, Failure> {
    let kafka = kafka(config)?;
    let options = options_of(&kafka, "decide");
    let (commands, store, _) = commands(config, &kafka, &options, clock).await?;
    let sealer = config.agentgate.secret.clone().map(|key| Sealer::new(store.clone(), key, Arc::new(RandomIds)));
    if sealer.is_none() {
        tracing::warn!(
            "agentgate.secret_file is not set: this decider sends no webhooks, and leaves them to those that have it"
        );
    }
    let ports = DeciderPorts {
        commands,
        consume: Box::new(KafkaConsumer::join(&options, &kafka.group, clock.clone())?),
        books: store.clone(),
        due: store.clone(),
        voids: store.clone(),
        releases: store,
        log: Some(Arc::new(KafkaReadLog::open(&options)?)),
        read_log: Arc::new(KafkaReadLog::open(&for_samples(options))?),
        partitions: kafka.options.partitions,
        sealer,
    };
    // A tick that is not acknowledged is appended by the next decider.
    Ok(Opened { ports, close: leaving() })
}

async fn commands(
    config: &Config,
    kafka: &KafkaConfig,
    options: &KafkaOptions,
    clock: &Arc<dyn Clock>,
) -> Result<(CommandPorts, Arc<ScyllaCommands>, KafkaLog), Failure> {
    let store = Arc::new(ScyllaCommands::new(cql(config).await?, clock.clone()));
    log_as_configured(config, kafka, options).await?;
    let log = KafkaLog::connect(options.clone(), clock.clone())?;
    let ports = CommandPorts {
        append: Arc::new(log.clone()),
        facts: store.clone(),
        views: store.clone(),
        accounts: store.clone(),
        deliveries: store.clone(),
        lag: Arc::new(KafkaLag::watch(options, &kafka.group, clock.clone())?),
        clock: clock.clone(),
    };
    Ok((ports, store, log))
}

/// The store alone.
///
/// # Errors
/// What is wrong or did not come up, and what to do about it.
pub async fn cql(config: &Config) -> Result<CommandCql, Failure> {
    let options = scylla(config)?;
    wait_for_store(config, &options, || Cql::connect(&options, &SCHEMA)).await
}
