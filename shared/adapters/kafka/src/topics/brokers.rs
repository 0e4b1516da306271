//! Requests to the brokers that describe and create topics.

use std::sync::Arc;

use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, ResourceSpecifier, TopicReplication};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::types::RDKafkaRespErr;
use tidegate_ports::FailureCause;

use super::TopicsError;
use super::wanted::{Description, Wanted};
use crate::client::{self, Asking};
use crate::{KafkaOptions, failure};

/// An admin client for topics.
pub struct Brokers {
    admin: Arc<AdminClient<Asking>>,
    addresses: String,
}

impl Brokers {
    pub fn of(options: &KafkaOptions) -> Result<Brokers, TopicsError> {
        let refused = |error: tidegate_ports::LogError| TopicsError::Options(error.to_string());
        options.validate().map_err(refused)?;
        let config = client::with_extra(client::base_config(options, "topics"), options);
        let admin = config.create_with_context(Asking).map_err(|error| refused(client::broken(&error)))?;
        Ok(Brokers { admin: Arc::new(admin), addresses: options.brokers.clone() })
    }

    /// The actual state of the topic; `None` if it does not exist.
    pub async fn describe(&self, topic: &str) -> Result<Option<Description>, TopicsError> {
        let Some(mut description) = self.shape(topic).await? else { return Ok(None) };
        let specifiers = [ResourceSpecifier::Topic(topic)];
        let answers = self.admin.describe_configs(&specifiers, &admin_options()).await;
        for answer in answers.map_err(|error| self.unavailable(&error))? {
            match answer {
                Ok(resource) => {
                    let known = resource.entries.into_iter().filter_map(|entry| Some((entry.name, entry.value?)));
                    description.settings.extend(known);
                }
                Err(RDKafkaErrorCode::UnknownTopicOrPartition) => return Ok(None),
                Err(code) => return Err(self.unavailable(&KafkaError::AdminOp(code))),
            }
        }
        Ok(Some(description))
    }

    async fn shape(&self, topic: &str) -> Result<Option<Description>, TopicsError> {
        let (admin, name) = (self.admin.clone(), topic.to_owned());
        let asked = tokio::task::spawn_blocking(move || {
            let metadata = admin.inner().fetch_metadata(Some(&name), client::QUESTION_TIMEOUT)?;
            let topic = metadata.topics().iter().find(|topic| topic.name() == name);
            let known = topic.filter(|topic| topic.error() != Some(UNKNOWN) && !topic.partitions().is_empty());
            Ok(known.map(|topic| Description {
                partitions: u32::try_from(topic.partitions().len()).unwrap_or(u32::MAX),
                replication: topic.partitions().iter().map(|one| one.replicas().len() as u16).min().unwrap_or_default(),
                settings: std::collections::HashMap::new(),
            }))
        });
        let broke_off = |error: tokio::task::JoinError| TopicsError::Unavailable {
            brokers: self.addresses.clone(),
            cause: FailureCause::from(error.to_string()).caused_by(error),
        };
        asked.await.map_err(broke_off)?.map_err(|error: KafkaError| self.unavailable(&error))
    }

    /// Creates the topic; false if it exists already.
    pub async fn create(&self, wanted: &Wanted) -> Result<bool, TopicsError> {
        let refused = |cause: FailureCause| TopicsError::Refused { topic: wanted.name.clone(), cause };
        let partitions = i32::try_from(wanted.partitions)
            .map_err(|error| refused(FailureCause::refused(error.to_string()).caused_by(error)))?;
        let replication = TopicReplication::Fixed(i32::from(wanted.replication));
        let mut topic = NewTopic::new(&wanted.name, partitions, replication);
        for (name, value) in wanted.settings() {
            topic = topic.set(name, value);
        }
        let answers = self.admin.create_topics([&topic], &admin_options()).await;
        match answers.map_err(|error| self.unavailable(&error))?.pop() {
            Some(Ok(_)) => Ok(true),
            Some(Err((_, RDKafkaErrorCode::TopicAlreadyExists))) => Ok(false),
            Some(Err((_, RDKafkaErrorCode::InvalidReplicationFactor))) => {
                let replicas = wanted.replication;
                let text = format!("there are not enough brokers for {replicas} replicas: lower kafka.replication");
                Err(refused(FailureCause::refused(text)))
            }
            Some(Err((_, code))) => Err(refused(refusal(code))),
            None => Err(refused("the broker did not say".into())),
        }
    }

    fn unavailable(&self, error: &KafkaError) -> TopicsError {
        TopicsError::Unavailable { brokers: self.addresses.clone(), cause: failure::cause(error.to_string(), error) }
    }
}

impl Drop for Brokers {
    fn drop(&mut self) {
        client::close_aside(self.admin.clone());
    }
}

const UNKNOWN: RDKafkaRespErr = RDKafkaRespErr::RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART;

/// The code with which a broker refuses a topic, with its kind.
fn refusal(code: RDKafkaErrorCode) -> FailureCause {
    FailureCause::new(failure::kind_of_code(code), code.to_string()).caused_by(KafkaError::AdminOp(code))
}

fn admin_options() -> AdminOptions {
    let timeout = Some(client::QUESTION_TIMEOUT * 2);
    AdminOptions::new().request_timeout(timeout).operation_timeout(timeout)
}

#[cfg(test)]
mod tests {
    use std::error::Error;

    use tidegate_ports::FailureKind;

    use super::*;

    #[test]
    fn a_refused_topic_keeps_the_brokers_code_and_its_kind() {
        for (code, kind) in [
            (RDKafkaErrorCode::PolicyViolation, FailureKind::Refused),
            (RDKafkaErrorCode::RequestTimedOut, FailureKind::Timeout),
        ] {
            let error = TopicsError::Refused { topic: "eu.records".to_owned(), cause: refusal(code) };
            let cause = error.source().and_then(|source| source.downcast_ref::<FailureCause>()).expect("the cause");
            assert_eq!(cause.kind(), kind);
            let source = cause.source().and_then(|source| source.downcast_ref::<KafkaError>());
            assert_eq!(source, Some(&KafkaError::AdminOp(code)));
        }
    }
}
