//! Maps librdkafka's errors to failure kinds of the ports.

use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use tidegate_ports::{FailureCause, FailureKind};

/// The failure kind of an error, by its code. An error without a code counts as unreachable.
pub fn kind_of(error: &KafkaError) -> FailureKind {
    match error {
        KafkaError::ClientConfig(..) | KafkaError::ClientCreation(_) | KafkaError::Nul(_) => FailureKind::Refused,
        _ => error.rdkafka_error_code().map_or(FailureKind::Unreachable, kind_of_code),
    }
}

/// A missing topic counts as unreachable: once it is created, the same request works.
pub const fn kind_of_code(code: RDKafkaErrorCode) -> FailureKind {
    use RDKafkaErrorCode as Code;
    match code {
        Code::MessageTimedOut
        | Code::TimedOutQueue
        | Code::OperationTimedOut
        | Code::RequestTimedOut
        | Code::WaitingForCoordinator => FailureKind::Timeout,
        Code::QueueFull
        | Code::ThrottlingQuotaExceeded
        | Code::CoordinatorLoadInProgress
        | Code::RebalanceInProgress
        | Code::CriticalSystemResource => FailureKind::Overloaded,
        Code::MessageSizeTooLarge
        | Code::MessageBatchTooLarge
        | Code::InvalidMessage
        | Code::InvalidMessageSize
        | Code::InvalidRecord
        | Code::InvalidTimestamp
        | Code::InvalidRequiredAcks
        | Code::InvalidTopic
        | Code::InvalidArgument
        | Code::InvalidConfig
        | Code::InvalidRequest
        | Code::UnsupportedCompressionType
        | Code::UnsupportedForMessageFormat
        | Code::UnsupportedVersion
        | Code::UnsupportedFeature
        | Code::PolicyViolation
        | Code::Authentication
        | Code::SaslAuthenticationFailed
        | Code::TopicAuthorizationFailed
        | Code::GroupAuthorizationFailed
        | Code::ClusterAuthorizationFailed => FailureKind::Refused,
        _ => FailureKind::Unreachable,
    }
}

/// A cause with this text and the error as its source.
pub fn cause(text: impl Into<std::sync::Arc<str>>, error: &KafkaError) -> FailureCause {
    FailureCause::new(kind_of(error), text).caused_by(error.clone())
}

#[cfg(test)]
mod tests {
    use std::error::Error;

    use super::*;

    #[test]
    fn every_code_that_says_more_than_an_absence_has_its_kind() {
        use FailureKind::{Overloaded, Refused, Timeout, Unreachable};
        use RDKafkaErrorCode::*;
        for (code, kind) in [
            (MessageTimedOut, Timeout),
            (TimedOutQueue, Timeout),
            (OperationTimedOut, Timeout),
            (RequestTimedOut, Timeout),
            (QueueFull, Overloaded),
            (ThrottlingQuotaExceeded, Overloaded),
            (CoordinatorLoadInProgress, Overloaded),
            (RebalanceInProgress, Overloaded),
            (MessageSizeTooLarge, Refused),
            (InvalidRecord, Refused),
            (PolicyViolation, Refused),
            (SaslAuthenticationFailed, Refused),
            (TopicAuthorizationFailed, Refused),
            (GroupAuthorizationFailed, Refused),
            (UnsupportedVersion, Refused),
            (BrokerTransportFailure, Unreachable),
            (AllBrokersDown, Unreachable),
            (Resolve, Unreachable),
            (NetworkException, Unreachable),
            (LeaderNotAvailable, Unreachable),
            (NotLeaderForPartition, Unreachable),
            (CoordinatorNotAvailable, Unreachable),
            (NotEnoughReplicas, Unreachable),
            (NotEnoughReplicasAfterAppend, Unreachable),
            (UnknownTopicOrPartition, Unreachable),
            (PurgeQueue, Unreachable),
            (Fatal, Unreachable),
            (Unknown, Unreachable),
        ] {
            assert_eq!(kind_of(&KafkaError::MessageProduction(code)), kind, "{code:?}");
            assert_eq!(kind_of(&KafkaError::MetadataFetch(code)), kind, "{code:?}");
        }
        assert_eq!(kind_of(&KafkaError::Canceled), Unreachable, "an error without a code");
    }

    #[test]
    fn a_cause_hands_the_client_s_error_on() {
        let error = KafkaError::MetadataFetch(RDKafkaErrorCode::OperationTimedOut);
        let cause = cause("asking for the ends", &error);
        assert_eq!((cause.kind(), cause.as_str()), (FailureKind::Timeout, "asking for the ends"));
        assert!(cause.source().is_some_and(|source| source.is::<KafkaError>()));
    }
}
