//! The topics: what they must be, whether they are, and making them.

mod ask;
mod spans;
mod wanted;

use std::time::Duration;

use tidegate_ports::Retention;
use tokio::time::Instant;

use crate::KafkaOptions;
use ask::Brokers;
use wanted::Wanted;

pub use spans::spans;
pub use wanted::DEAD_LETTER_RETENTION;

/// What the records topic must be. The dead letters topic has the same replication, and one partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TopicLayout {
    pub partitions: u32,
    pub replication: u16,
    pub min_insync_replicas: u16,
    /// How long records are kept: the age, and the bytes over all partitions (`u64::MAX`: no bound). Applied or not:
    /// it must exceed the longest outage to be survived.
    pub retention: Retention,
}

/// What the check found in order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TopicsFound {
    /// Name and partition count of each topic.
    pub topics: Vec<(String, u32)>,
}

/// What was made, and what stood there already.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Created {
    pub created: Vec<String>,
    pub existed: Vec<String>,
}

/// Why the topics cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TopicsError {
    /// Everything that is not as wanted, with both values and the way out.
    #[error("the topics are not as configured: {}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
    Mismatch(Vec<Mismatch>),
    #[error("the brokers at {brokers} did not answer: {cause}")]
    Unavailable { brokers: String, cause: String },
    #[error("the topic {topic} was not made: {cause}")]
    Refused { topic: String, cause: String },
    #[error("{0}")]
    Options(String),
}

/// One thing about a topic that is not as wanted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Mismatch {
    #[error("{topic} does not exist: run `tidegate topics create`")]
    Missing { topic: String },
    /// A count is fixed for a generation: another one needs other topics.
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

/// A topic just made is not known to every broker at once.
const VISIBLE_WITHIN: Duration = Duration::from_secs(15);
const LOOK_AGAIN: Duration = Duration::from_millis(50);

/// Whether the topics are there and as wanted. One error names everything that is not.
///
/// # Errors
/// [`TopicsError`].
pub async fn check(options: &KafkaOptions, wanted: &TopicLayout) -> Result<TopicsFound, TopicsError> {
    let brokers = Brokers::of(options)?;
    look(&brokers, options, wanted).await
}

/// Makes the topics that are missing, and checks all of them. What is there is never altered.
///
/// # Errors
/// [`TopicsError`]. What was made before it stays.
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
    /// A broker hears of a topic first and of its settings a little later: it says "unset" for a while.
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
