//! The pipeline on Kafka, Redis and ScyllaDB or Cassandra: each role connects to what it needs, and waits at its start
//! for what is not up yet.
//!
//! A front door waits for the store too: without it a process that has just started knows no credential, while its
//! neighbours still serve from their caches. Redis is never waited for: a gate that is down is a case of
//! its own in every request.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use tidegate_admission::AdmissionPorts;
use tidegate_agentping_ports::{Credentials, Gate, NamedCredentials, StoredNames};
use tidegate_commands::sealing::SealedDocuments;
use tidegate_kafka::{
    KafkaConsumer, KafkaDeadLetters, KafkaLag, KafkaLog, KafkaOptions, KafkaReadLog, TopicsError, topics,
};
use tidegate_lifecycle::Unfinished;
use tidegate_ports::{Clock, RandomIds, ReadLog};
use tidegate_redis::RedisGate;
use tidegate_scylla::{AgentPingCql, Cql, ScyllaOptions, ScyllaRegistry, ScyllaSettings, ScyllaStore, agentping};

use super::{
    Close, Opened, OpenedRegistry, PersisterPorts, PulsePorts, ReadPorts, SEALED_KINDS, SettingsPorts, until_up,
};
use crate::config::{Config, KafkaConfig};
use crate::failure::Failure;

/// Added to librdkafka's own timeout for a record, which must end before ours does.
pub const FLUSH_GRACE: Duration = Duration::from_secs(2);

/// Bytes fetched at once for a sample of the log.
const SAMPLE_FETCH_BYTES: usize = 256 << 10;

/// How long leaving a consumer group may take: it is one request.
const LEAVE_DEADLINE: Duration = Duration::from_secs(10);

/// What a front door needs: the log, the consumers' lag, the gate, credentials, rates, what is stored.
///
/// # Errors
/// What is wrong or did not come up, and what to do about it.
pub async fn front_door(
    config: &Config,
    clock: &Arc<dyn Clock>,
) -> Result<Opened<(AdmissionPorts, SettingsPorts)>, Failure> {
    let kafka = config.kafka()?;
    let options = options_of(kafka, "ingest");
    let gate = RedisGate::connect(config.redis()?.clone(), clock.clone())?;
    // The store first: topics of a region that is not the store's are missing, and must not be made.
    let cql = store(config).await?;
    log_as_configured(config, kafka, &options).await?;
    let append = KafkaLog::connect(options.clone(), clock.clone())?;
    let lag = KafkaLag::watch(&options, &kafka.group, clock.clone())?;
    let (store, registry) = (Arc::new(ScyllaStore::new(cql.clone())), Arc::new(ScyllaRegistry::new(cql.clone())));
    let settings = settings(cql, clock, registry.clone());
    let names = Arc::new(StoredNames::new(settings.documents.clone()));
    let close = flushing(append.clone(), options.append.message_timeout + FLUSH_GRACE);
    let ports = AdmissionPorts {
        clock: clock.clone(),
        credentials: Arc::new(NamedCredentials::new(registry.clone(), names)),
        rates: registry,
        agents: store.clone(),
        usage: store.clone(),
        stored: store.clone(),
        gate: Arc::new(gate),
        append: Arc::new(append),
        lag: Arc::new(lag),
        accounts: store,
    };
    Ok(Opened { ports: (ports, settings), close })
}

/// Closes a producer, and reports how many records were not acknowledged by the deadline.
pub fn flushing(log: KafkaLog, deadline: Duration) -> Close {
    Box::pin(async move {
        match log.close(deadline).await.left {
            0 => Ok(()),
            left => {
                Err(Unfinished::new(format!("{left} records were not acknowledged; their senders got that answer")))
            }
        }
    })
}

/// What a persister needs: its membership of the group, the runs, the dead letters, the lag.
///
/// # Errors
/// What is wrong or did not come up, and what to do about it.
pub async fn persister(config: &Config, clock: &Arc<dyn Clock>) -> Result<Opened<PersisterPorts>, Failure> {
    let kafka = config.kafka()?;
    let options = options_of(kafka, "persist");
    // The store first: topics of a region that is not the store's are missing, and must not be made.
    let cql = store(config).await?;
    log_as_configured(config, kafka, &options).await?;
    let store = Arc::new(ScyllaStore::new(cql));
    let ports = PersisterPorts {
        consume: Box::new(KafkaConsumer::join(&options, &kafka.group, clock.clone())?),
        runs: store.clone(),
        accounts: store.clone(),
        feed: store,
        dead_letters: Arc::new(KafkaDeadLetters::open(&options, clock.clone())?),
        log: Some(Arc::new(KafkaReadLog::open(&options)?)),
        lag: Arc::new(KafkaLag::watch(&options, &kafka.group, clock.clone())?),
    };
    Ok(Opened { ports, close: leaving() })
}

/// What a judge of schedules needs: how far the persisters are, the feed, what teams set.
///
/// # Errors
/// What is wrong or did not come up, and what to do about it.
pub async fn pulse(config: &Config, clock: &Arc<dyn Clock>) -> Result<Opened<(PulsePorts, SettingsPorts)>, Failure> {
    let kafka = config.kafka()?;
    let options = options_of(kafka, "pulse");
    // The store first: topics of a region that is not the store's are missing, and must not be made.
    let cql = store(config).await?;
    log_as_configured(config, kafka, &options).await?;
    let lag = Arc::new(KafkaLag::watch(&options, &kafka.group, clock.clone())?);
    let (store, registry) = (Arc::new(ScyllaStore::new(cql.clone())), Arc::new(ScyllaRegistry::new(cql.clone())));
    let dead_letters = Arc::new(KafkaDeadLetters::open(&options, clock.clone())?);
    let ports = PulsePorts { lag, accounts: store.clone(), feed: store.clone(), dead_letters, queries: store };
    let settings = sealed(config, settings(cql, clock, registry), clock).await?;
    Ok(Opened { ports: (ports, settings), close: Box::pin(async { Ok(()) }) })
}

/// A dropped consumer leaves its group on a thread of its own. The process waits for that, so that the other members
/// take over at once and not when the session times out.
pub fn leaving() -> Close {
    Box::pin(left(tidegate_kafka::all_closed(LEAVE_DEADLINE)))
}

/// A busy group may answer late. Nothing is left behind by that: records that were read are committed by then, or the
/// persister has reported those that are not.
async fn left(in_time: impl Future<Output = bool>) -> Result<(), Unfinished> {
    if !in_time.await {
        tracing::warn!(within = ?LEAVE_DEADLINE, "the group was not left in time; its other members take over later");
    }
    Ok(())
}

/// What the read API needs: the store, and the log's ends where the log's servers are named. The start does not wait
/// for the log.
///
/// # Errors
/// What is wrong or did not come up, and what to do about it.
pub async fn read_api(
    config: &Config,
    clock: &Arc<dyn Clock>,
) -> Result<Opened<(ReadPorts, Arc<dyn Credentials>, SettingsPorts)>, Failure> {
    let log: Option<Arc<dyn ReadLog>> = match &config.kafka {
        Some(kafka) => Some(Arc::new(KafkaReadLog::open(&for_samples(options_of(kafka, "control")))?)),
        None => None,
    };
    let cql = store(config).await?;
    let store = Arc::new(ScyllaStore::new(cql.clone()));
    let ports = ReadPorts { queries: store.clone(), stored: store.clone(), accounts: store, log };
    // A session holds nothing back: everything is written when it is acknowledged.
    let registry = Arc::new(ScyllaRegistry::new(cql.clone()));
    let settings = sealed(config, settings(cql, clock, registry.clone()), clock).await?;
    Ok(Opened { ports: (ports, registry, settings), close: Box::pin(async { Ok(()) }) })
}

/// What teams set, and what is derived from it.
fn settings(cql: AgentPingCql, clock: &Arc<dyn Clock>, registry: Arc<ScyllaRegistry>) -> SettingsPorts {
    let kept = Arc::new(ScyllaSettings::new(cql, clock.clone()));
    SettingsPorts { documents: kept.clone(), rows: kept, registry }
}

/// The settings with what is secret of them sealed. Without a key routes are stored as they are, as by former builds.
///
/// # Errors
/// Routes are sealed, and there is no key, or another one: nothing would be sent to them.
async fn sealed(config: &Config, settings: SettingsPorts, clock: &Arc<dyn Clock>) -> Result<SettingsPorts, Failure> {
    let Some(key) = config.alerts.secret.clone() else {
        if SealedDocuments::is_used(&*settings.documents, SEALED_KINDS, clock.now()).await? {
            return Err(Failure::broken(
                "the store has sealed alert routes, and alerts.secret_file is not set: name the file with the key that sealed \
                 them, the same for control and pulse",
            ));
        }
        tracing::warn!(
            "alerts.secret_file is not set: the URLs and keys of alert routes are not sealed in the store; make a key with \
             `openssl rand -hex 32`, the same for control and pulse, and keep a copy of it"
        );
        return Ok(settings);
    };
    let documents = SealedDocuments::new(settings.documents, SEALED_KINDS, key, Arc::new(RandomIds), clock.clone());
    if !documents.opens().await? {
        return Err(Failure::broken(
            "alerts.secret_file holds another key than the one that sealed the alert routes in the store: name the file with that \
             key, the same for control and pulse",
        ));
    }
    Ok(SettingsPorts { documents: Arc::new(documents), ..settings })
}

/// The registry alone. Management commands do not wait for a store that is down: they fail at once.
///
/// # Errors
/// What is wrong, and what to do about it.
pub async fn registry(config: &Config, clock: &Arc<dyn Clock>) -> Result<OpenedRegistry, Failure> {
    let cql = Cql::connect(&config.scylla()?.options, &agentping::SCHEMA).await?;
    let names = StoredNames::new(Arc::new(ScyllaSettings::new(cql.clone(), clock.clone())));
    Ok(OpenedRegistry::new(ScyllaRegistry::new(cql), names, config.region))
}

/// The gate alone, for a command that frees slots. It connects in the background.
///
/// # Errors
/// What is wrong, and what to do about it.
pub fn gate(config: &Config, clock: &Arc<dyn Clock>) -> Result<RedisGate, Failure> {
    // Its keys are named after the log's topics.
    config.kafka()?;
    Ok(RedisGate::connect(config.redis()?.clone(), clock.clone())?)
}

/// The gate where deleted agents give their slots back. Without Redis in the configuration control goes without it, and says
/// so.
///
/// # Errors
/// What is wrong, and what to do about it.
pub fn gate_of_control(config: &Config, clock: &Arc<dyn Clock>) -> Result<Option<Arc<dyn Gate>>, Failure> {
    if config.kafka.is_none() || config.redis().is_err() {
        tracing::warn!(
            "[redis] urls or [kafka] brokers are not set: an agent that is deleted over the API keeps its slot of the plan"
        );
        return Ok(None);
    }
    Ok(Some(Arc::new(gate(config, clock)?)))
}

/// The log's options, as a process of this name uses them.
pub fn options_of(kafka: &KafkaConfig, name: &str) -> KafkaOptions {
    KafkaOptions { client_id: format!("tidegate-{name}"), ..kafka.options.clone() }
}

/// For reading single records of many places: bytes fetched beyond a record are not used.
pub fn for_samples(mut options: KafkaOptions) -> KafkaOptions {
    options.consume.fetch_bytes = options.consume.fetch_bytes.min(SAMPLE_FETCH_BYTES);
    options
}

async fn store(config: &Config) -> Result<AgentPingCql, Failure> {
    let options = &config.scylla()?.options;
    let cql = wait_for_store(config, options, || Cql::connect(options, &agentping::SCHEMA)).await?;
    let durability = cql.durability();
    match durability.warning() {
        Some(warning) => tracing::warn!(keyspace = options.keyspace, "{warning}"),
        None => tracing::info!(keyspace = options.keyspace, "what the store acknowledges is safe: {durability}"),
    }
    Ok(cql)
}

/// Waits until `attempt` on the store works.
///
/// # Errors
/// What is wrong or did not come up, and what to do about it.
pub async fn wait_for_store<T, E, F>(
    config: &Config,
    options: &ScyllaOptions,
    mut attempt: impl FnMut() -> F,
) -> Result<T, Failure>
where
    F: Future<Output = Result<T, E>>,
    E: Into<Failure>,
{
    let what = format!("the store at {}", options.nodes.join(", "));
    let once = || {
        let tried = attempt();
        async { tried.await.map_err(Into::into) }
    };
    until_up(&what, config.start_timeout, once).await
}

/// Waits until the topics are there, and checks that they are as configured.
///
/// # Errors
/// What is wrong or did not come up, and what to do about it.
pub async fn log_as_configured(config: &Config, kafka: &KafkaConfig, options: &KafkaOptions) -> Result<(), Failure> {
    wait_for_log(config, options, || topics::check(options, &kafka.layout)).await.map(drop)
}

/// Waits until `attempt` on the log works.
///
/// # Errors
/// What is wrong or did not come up, and what to do about it.
pub async fn wait_for_log<T, F>(
    config: &Config,
    options: &KafkaOptions,
    mut attempt: impl FnMut() -> F,
) -> Result<T, Failure>
where
    F: Future<Output = Result<T, TopicsError>>,
{
    let what = format!("Kafka at {}", options.brokers);
    let once = || {
        let tried = attempt();
        async { tried.await.map_err(Into::into) }
    };
    until_up(&what, config.start_timeout, once).await
}

#[cfg(test)]
mod tests {
    use tidegate_lifecycle::Stages;

    use super::*;

    #[tokio::test]
    async fn who_leaves_late_has_left_nothing_behind() {
        for in_time in [true, false] {
            let mut stages = Stages::default();
            stages.then("log and store", LEAVE_DEADLINE, left(std::future::ready(in_time)));
            let report = stages.run().await;
            assert_eq!((report.code(), report.left), (0, vec![]), "in time: {in_time}");
        }
    }
}
