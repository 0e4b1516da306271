//! What the product stands on: one process, one data folder, or servers.

use std::error::Error;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tidegate_consumer::{Consumer, ConsumerConfig, Poison};
use tidegate_inproc::accounts::MemoryAccounts;
use tidegate_inproc::dead_letters::MemoryDeadLetters;
use tidegate_inproc::log::MemoryLog;
use tidegate_kafka::{
    KafkaDeadLetters, KafkaGroups, KafkaLog, KafkaOptions, KafkaReadLog, TopicLayout, Topics, topics,
};
use tidegate_kernel::Region;
use tidegate_ports::{Accounts, Append, Clock, ConsumerGroups, DeadLetters, LogError, ReadLog, Retention, SystemClock};
use tidegate_scylla::{Cql, Replication, ScyllaOptions, ScyllaStore, agentping, migrations};
use tidegate_sqlite::dead_letters::EmbeddedDeadLetters;
use tidegate_sqlite::{DataFolder, EmbeddedLog, EmbeddedRegistry, EmbeddedStore, LogOptions, reconcile};

use crate::counting::{Counters, Counting};
use crate::tables::{CqlCounters, MemoryCounters, SqliteCounters};

/// The consumer group.
pub const GROUP: &str = "counting";
const PARTITIONS: u32 = 3;

type Opened = Result<Parts, Box<dyn Error + Send + Sync>>;

/// The ports of front door and consumer.
pub struct Parts {
    pub append: Arc<dyn Append>,
    pub counters: Arc<dyn Counters>,
    pub accounts: Arc<dyn Accounts>,
    pub dead_letters: Arc<dyn DeadLetters>,
    pub groups: Arc<dyn ConsumerGroups>,
    /// To read again what the store has lost, where it can lose anything.
    read_log: Option<Arc<dyn ReadLog>>,
}

impl Parts {
    /// Everything is gone with the process.
    pub fn in_process() -> Parts {
        let log = MemoryLog::new(Default::default(), Arc::new(SystemClock));
        Parts {
            append: Arc::new(log.clone()),
            counters: Arc::new(MemoryCounters::default()),
            accounts: Arc::new(MemoryAccounts::default()),
            dead_letters: Arc::new(MemoryDeadLetters::default()),
            groups: Arc::new(log),
            read_log: None,
        }
    }

    /// # Errors
    /// What is wrong with the folder.
    pub async fn embedded(path: &Path) -> Opened {
        let folder = DataFolder::open_or_create(path, Region::Eu, PARTITIONS, SystemClock.now())?;
        let owned = folder.own()?;
        let log = EmbeddedLog::open(&owned, LogOptions::default(), Arc::new(SystemClock))?;
        let store = EmbeddedStore::open(&owned, EmbeddedRegistry::open(&folder)?)?;
        let dead_letters = EmbeddedDeadLetters::open(&owned)?;
        reconcile(&owned, &log, GROUP, &store, &dead_letters).await?;
        Ok(Parts {
            append: Arc::new(log.clone()),
            counters: Arc::new(SqliteCounters::open(&owned)?),
            accounts: Arc::new(store),
            dead_letters: Arc::new(dead_letters),
            groups: Arc::new(log),
            read_log: None,
        })
    }

    /// `name` is what its topics and its keyspace are called after.
    ///
    /// # Errors
    /// What is wrong with the servers.
    pub async fn distributed(kafka: &str, node: &str, name: &str) -> Opened {
        let options = KafkaOptions::new(kafka, Topics::named(name, Region::Eu, 1), PARTITIONS);
        let retention = Retention { max_age_ms: 24 * 60 * 60 * 1_000, max_bytes: u64::MAX };
        let layout = TopicLayout { partitions: PARTITIONS, replication: 1, min_insync_replicas: 1, retention };
        topics::create(&options, &layout).await?;
        let (nodes, request_timeout) = (vec![node.to_owned()], Duration::from_secs(20));
        let store = ScyllaOptions { nodes, keyspace: name.to_owned(), request_timeout, ..ScyllaOptions::default() };
        migrations::apply(&store, &Replication::Simple(1), &agentping::SCHEMA).await?;
        let cql = Cql::connect(&store, &agentping::SCHEMA).await?;
        Ok(Parts {
            append: Arc::new(KafkaLog::connect(options.clone(), Arc::new(SystemClock))?),
            counters: Arc::new(CqlCounters::open(cql.clone(), node, name).await?),
            accounts: Arc::new(ScyllaStore::new(cql)),
            dead_letters: Arc::new(KafkaDeadLetters::open(&options, Arc::new(SystemClock))?),
            read_log: Some(Arc::new(KafkaReadLog::open(&options)?)),
            groups: Arc::new(KafkaGroups::new(options, Arc::new(SystemClock))),
        })
    }

    /// A member of the group.
    ///
    /// # Errors
    /// [`LogError`].
    pub async fn consumer(&self, group: &str) -> Result<Consumer<Counting>, LogError> {
        let log = self.groups.join(group).await?;
        let (counting, poison) = (Counting(self.counters.clone()), Poison::DeadLetter(self.dead_letters.clone()));
        let (accounts, config) = (self.accounts.clone(), ConsumerConfig::default());
        let consumer = Consumer::new(log, counting, poison, accounts, Arc::new(SystemClock), config);
        Ok(consumer.with_ends(self.groups.lag(group)?).reading_again_from(self.read_log.clone()))
    }
}
