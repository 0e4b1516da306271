//! Classifies delivery reports: acknowledged, not persisted, unknown or too large.

use rdkafka::bindings::{rd_kafka_message_status, rd_kafka_msg_status_t};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::{BorrowedMessage, Message};
use rdkafka::producer::DeliveryResult;
use tidegate_kernel::Partition;
use tidegate_ports::FailureCause;

use crate::failure;

/// The outcome of a sent message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Delivery {
    /// Acknowledged by all in-sync replicas.
    Acked { partition: Partition, offset: i64 },
    /// The message is certainly not on the log and never will be.
    NotPersisted(FailureCause),
    /// The message was sent and may be on the log.
    Unknown(FailureCause),
    /// The broker takes no message of this size.
    TooLarge,
}

/// librdkafka's message status.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// Never sent, or refused by the broker before anything was written.
    NotPersisted,
    /// Sent, without an answer that decides it.
    PossiblyPersisted,
    /// Written, whatever the error says.
    Persisted,
}

/// The delivery in librdkafka's report, which comes once for each message.
pub fn delivered(report: &DeliveryResult<'_>) -> Delivery {
    match report {
        Ok(message) => match (u32::try_from(message.partition()), message.offset()) {
            (Ok(partition), offset @ 0..) => Delivery::Acked { partition, offset },
            (_, offset) => Delivery::Unknown(format!("it was acknowledged without a place (offset {offset})").into()),
        },
        Err((error, message)) => failed(error, status_of(message)),
    }
}

/// The delivery of a message that librdkafka did not accept: it was never sent.
pub fn refused(error: &KafkaError) -> Delivery {
    failed(error, Status::NotPersisted)
}

/// The delivery of a failed message. librdkafka's status decides, except that a code which means the message may have
/// been written is never "not persisted".
pub fn failed(error: &KafkaError, status: Status) -> Delivery {
    use RDKafkaErrorCode as Code;
    let code = error.rdkafka_error_code().unwrap_or(Code::Unknown);
    let text = || match code {
        Code::UnknownTopicOrPartition | Code::UnknownTopic | Code::UnknownPartition => {
            format!("{error}: the topic is not as configured; `tidegate topics check` shows how")
        }
        Code::QueueFull => format!("{error}: raise kafka.queue_bytes, or look why the brokers are slow"),
        _ => error.to_string(),
    };
    match (status, code) {
        (_, Code::MessageSizeTooLarge | Code::MessageBatchTooLarge) => Delivery::TooLarge,
        (
            _,
            Code::RequestTimedOut | Code::NotEnoughReplicasAfterAppend | Code::PurgeInflight | Code::NetworkException,
        )
        | (Status::PossiblyPersisted | Status::Persisted, _) => Delivery::Unknown(failure::cause(text(), error)),
        (Status::NotPersisted, _) => Delivery::NotPersisted(failure::cause(text(), error)),
    }
}

#[expect(unsafe_code, reason = "rdkafka does not wrap this function, and without it every time-out is a mystery")]
fn status_of(message: &BorrowedMessage<'_>) -> Status {
    // SAFETY: the pointer is that of a message which its borrow keeps alive, and the function only reads a field.
    let status = unsafe { rd_kafka_message_status(message.ptr()) };
    match status {
        rd_kafka_msg_status_t::RD_KAFKA_MSG_STATUS_NOT_PERSISTED => Status::NotPersisted,
        rd_kafka_msg_status_t::RD_KAFKA_MSG_STATUS_POSSIBLY_PERSISTED => Status::PossiblyPersisted,
        rd_kafka_msg_status_t::RD_KAFKA_MSG_STATUS_PERSISTED => Status::Persisted,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every error code of a produce request, the queue or a purge, with the delivery for the status "not persisted"
    /// and for "possibly persisted".
    const TABLE: &[(RDKafkaErrorCode, &str, &str)] = {
        use RDKafkaErrorCode::*;
        const NO: &str = "not persisted";
        const WHO_KNOWS: &str = "unknown";
        const LARGE: &str = "too large";
        &[
            (MessageTimedOut, NO, WHO_KNOWS),
            (TimedOutQueue, NO, WHO_KNOWS),
            (OperationTimedOut, NO, WHO_KNOWS),
            (RequestTimedOut, WHO_KNOWS, WHO_KNOWS),
            (NotEnoughReplicas, NO, WHO_KNOWS),
            (NotEnoughReplicasAfterAppend, WHO_KNOWS, WHO_KNOWS),
            (BrokerTransportFailure, NO, WHO_KNOWS),
            (NetworkException, WHO_KNOWS, WHO_KNOWS),
            (AllBrokersDown, NO, WHO_KNOWS),
            (Resolve, NO, WHO_KNOWS),
            (SSL, NO, WHO_KNOWS),
            (Authentication, NO, WHO_KNOWS),
            (SaslAuthenticationFailed, NO, WHO_KNOWS),
            (TopicAuthorizationFailed, NO, WHO_KNOWS),
            (ClusterAuthorizationFailed, NO, WHO_KNOWS),
            (UnknownTopicOrPartition, NO, WHO_KNOWS),
            (UnknownTopic, NO, WHO_KNOWS),
            (UnknownPartition, NO, WHO_KNOWS),
            (InvalidTopic, NO, WHO_KNOWS),
            (LeaderNotAvailable, NO, WHO_KNOWS),
            (NotLeaderForPartition, NO, WHO_KNOWS),
            (ReplicaNotAvailable, NO, WHO_KNOWS),
            (BrokerNotAvailable, NO, WHO_KNOWS),
            (KafkaStorageError, NO, WHO_KNOWS),
            (FencedLeaderEpoch, NO, WHO_KNOWS),
            (UnknownLeaderEpoch, NO, WHO_KNOWS),
            (MessageSizeTooLarge, LARGE, LARGE),
            (MessageBatchTooLarge, LARGE, LARGE),
            (InvalidMessage, NO, WHO_KNOWS),
            (InvalidMessageSize, NO, WHO_KNOWS),
            (InvalidRecord, NO, WHO_KNOWS),
            (InvalidTimestamp, NO, WHO_KNOWS),
            (InvalidRequiredAcks, NO, WHO_KNOWS),
            (UnsupportedCompressionType, NO, WHO_KNOWS),
            (UnsupportedForMessageFormat, NO, WHO_KNOWS),
            (UnsupportedVersion, NO, WHO_KNOWS),
            (UnsupportedFeature, NO, WHO_KNOWS),
            (PolicyViolation, NO, WHO_KNOWS),
            (ThrottlingQuotaExceeded, NO, WHO_KNOWS),
            (OutOfOrderSequenceNumber, NO, WHO_KNOWS),
            (DuplicateSequenceNumber, NO, WHO_KNOWS),
            (InvalidProducerEpoch, NO, WHO_KNOWS),
            (InvalidProducerIdMapping, NO, WHO_KNOWS),
            (UnknownProducerId, NO, WHO_KNOWS),
            (ProducerFenced, NO, WHO_KNOWS),
            (GaplessGuarantee, NO, WHO_KNOWS),
            (QueueFull, NO, WHO_KNOWS),
            (PurgeQueue, NO, WHO_KNOWS),
            (PurgeInflight, WHO_KNOWS, WHO_KNOWS),
            (Fatal, NO, WHO_KNOWS),
            (Fenced, NO, WHO_KNOWS),
            (BrokerDestroy, NO, WHO_KNOWS),
            (DestroyBroker, NO, WHO_KNOWS),
            (BadMessage, NO, WHO_KNOWS),
            (BadCompression, NO, WHO_KNOWS),
            (CriticalSystemResource, NO, WHO_KNOWS),
            (Inconsistent, NO, WHO_KNOWS),
            (InvalidDifferentRecord, NO, WHO_KNOWS),
            (Retry, NO, WHO_KNOWS),
            (Fail, NO, WHO_KNOWS),
            (State, NO, WHO_KNOWS),
            (NotImplemented, NO, WHO_KNOWS),
            (Unknown, NO, WHO_KNOWS),
        ]
    };

    fn word(delivery: &Delivery) -> &'static str {
        match delivery {
            Delivery::Acked { .. } => "acked",
            Delivery::NotPersisted(_) => "not persisted",
            Delivery::Unknown(_) => "unknown",
            Delivery::TooLarge => "too large",
        }
    }

    #[test]
    fn every_code_is_judged_and_nothing_uncertain_is_called_certain() {
        for (code, unsent, sent) in TABLE {
            let error = KafkaError::MessageProduction(*code);
            assert_eq!(word(&failed(&error, Status::NotPersisted)), *unsent, "{code:?}");
            assert_eq!(word(&failed(&error, Status::PossiblyPersisted)), *sent, "{code:?}");
            assert_eq!(word(&failed(&error, Status::Persisted)), *sent, "{code:?}");
        }
    }

    #[test]
    fn an_error_without_a_code_follows_the_status() {
        assert_eq!(word(&failed(&KafkaError::Canceled, Status::NotPersisted)), "not persisted");
        assert_eq!(word(&failed(&KafkaError::Canceled, Status::PossiblyPersisted)), "unknown");
    }

    #[test]
    fn what_was_never_queued_was_never_sent() {
        let full = refused(&KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull));
        let Delivery::NotPersisted(cause) = full else { panic!("{full:?}") };
        assert!(cause.contains("kafka.queue_bytes"), "{cause}");
    }
}
