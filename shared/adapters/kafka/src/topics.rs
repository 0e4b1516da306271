//! Checks and creates the topics.

mod brokers;
mod spans;
mod wanted;

use std::time::Duration;

use tidegate_ports::{FailureCause, Retention};
use tokio::time::Instant;

use crate::KafkaOptions;
use brokers::Brokers;
use wanted::Wanted;

pub use spans::spans;
pub use wanted::DEAD_LETTER_RETENTION;

/// The wanted layout of the records topic. The dead letters topic has the same replication and one partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TopicLayout {
    pub partitions: u32,
    pub replication: u16,
    pub min_insync_replicas: u16,
    /// How long records are kept: the age, and the bytes over all partitions (`u64::MAX`: no bound). It also deletes
    /// records that are not applied, so it must exceed the longest outage to survive.
    pub retention: Retention,
}

/// The topics that passed the check.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TopicsFound {
    /// Name and partition count of each topic.
    pub topics: Vec<(String, u32)>,
}

/// Names of the topics that were created, and of those that existed already.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Created {
    pub created: Vec<String>,
    pub existed: Vec<String>,
}

/// Why the topics cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TopicsError {
    /// Every difference, with the actual value, the wanted value and what to do.
    #[error("the topics are not as configured: {}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
    Mismatch(Vec<Mismatch>),
    #[error("the brokers at {brokers} did not answer: {cause}")]
    Unavailable {
        brokers: String,
        #[source]
        cause: FailureCause,
    },
    #[error("the topic {topic} was not made: {cause}")]
    Refused {
        topic: String,
        #[source]
        cause: FailureCause,
    },
    #[error("{0}")]
    Options(String),
}

/// One difference between a topic and its wanted layout.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Mismatch {
    #[error("{topic} does not exist: run `tidegate topics create`")]
    Missing { topic: String },
    /// The partition count is fixed for a generation; another count needs new topics.
    #[error(
        "{topic} has {found} partitions, configured are {wanted}: set kafka.partitions to {found}, or raise kafka.generation and run `tidegate topics create`"
    )]
    Partitions { topic: String, found: u32, wanted: u32 },
    #[error(
        "{topic} has {found} replicas, configured are {wanted}: reassign its partitions, or set kafka.replication to {found}"
    )]
    Replication { topic: String, found: u16, wanted: u16 },
    #[error(
        "{topic} has {name}={found}, needed is {wanted}: change it with `kafka-configs --alter --entity-type topics --entity-name {topic} --add-config {name}={value}`"
    )]
    Setting { topic: String, name: &'static str, found: String, wanted: String, value: String },
    #[error("the layout has {layout} partitions and appends count on {options}: both come from kafka.partitions")]
    Layout { layout: u32, options: u32 },
}

/// How long a new topic may take until every broker knows it.
const VISIBLE_WITHIN: Duration = Duration::from_secs(15);
const LOOK_AGAIN: Duration = Duration::from_millis(50);

/// Checks that the topics exist with the wanted layout. One error names all differences.
///
/// # Errors
/// [`TopicsError`].
pub async fn check(options: &KafkaOptions, wanted: &TopicLayout) -> Result<TopicsFound, TopicsError> {
    let brokers = Brokers::of(options)?;
    look(&brokers, options, wanted).await
}

/// Creates the missing topics and checks all of them. Existing topics are never altered.
///
/// # Errors
/// [`TopicsError`]. Topics created before the failure stay.
pub async fn create(options: &KafkaOptions, wanted: &TopicLayout) -> Result<Created, TopicsError> {
    let brokers = Brokers::of(options)?;
    let mut created = Created::default();
    for topic in Wanted::all(options, wanted) {
        let is_new = brokers.create(&topic).await?;
        if is_new { &mut created.created } else { &mut created.existed }.push(topic.name);
    }
    let patience = Instant::now() + VISIBLE_WITHIN;
    loop {
        match look(&brokers, options, wanted).await {
            Ok(_) => return Ok(created),
            Err(TopicsError::Mismatch(mismatches))
                if Instant::now() < patience && mismatches.iter().any(|one| created.is_on_its_way(one)) =>
            {
                tokio::time::sleep(LOOK_AGAIN).await;
            }
            Err(error) => return Err(error),
        }
    }
}

impl Created {
    /// Whether a new topic explains the mismatch: a broker knows a topic before its settings, and reports "unset" until
    /// then.
    fn is_on_its_way(&self, mismatch: &Mismatch) -> bool {
        match mismatch {
            Mismatch::Missing { topic } | Mismatch::Setting { topic, .. } => self.created.contains(topic),
            Mismatch::Partitions { .. } | Mismatch::Replication { .. } | Mismatch::Layout { .. } => false,
        }
    }
}

async fn look(brokers: &Brokers, options: &KafkaOptions, layout: &TopicLayout) -> Result<TopicsFound, TopicsError> {
    let mut found = TopicsFound::default();
    let mut mismatches = Vec::new();
    if layout.partitions != options.partitions {
        mismatches.push(Mismatch::Layout { layout: layout.partitions, options: options.partitions });
    }
    for topic in Wanted::all(options, layout) {
        match brokers.describe(&topic.name).await? {
            Some(description) => {
                mismatches.extend(topic.mismatches(&description));
                found.topics.push((topic.name, description.partitions));
            }
            None => mismatches.push(Mismatch::Missing { topic: topic.name }),
        }
    }
    if mismatches.is_empty() { Ok(found) } else { Err(TopicsError::Mismatch(mismatches)) }
}
