//! Maps the driver's errors to errors of the ports.

use std::error::Error;

use scylla::errors::{DbError, ExecutionError, PrepareError, RequestAttemptError};
use tidegate_ports::{FailureCause, FailureKind, StoreError};

/// Whether a retry of the same request may succeed.
pub(crate) fn may_pass(error: &ExecutionError) -> bool {
    match error {
        ExecutionError::BadQuery(_) | ExecutionError::PrepareError(_) | ExecutionError::UseKeyspaceError(_) => false,
        ExecutionError::LastAttemptError(attempt) => attempt_may_pass(attempt),
        _ => true,
    }
}

fn attempt_may_pass(attempt: &RequestAttemptError) -> bool {
    match attempt {
        RequestAttemptError::DbError(error, _) => !matches!(
            error,
            DbError::SyntaxError
                | DbError::Invalid
                | DbError::AlreadyExists { .. }
                | DbError::FunctionFailure { .. }
                | DbError::AuthenticationError
                | DbError::Unauthorized
                | DbError::ConfigError
                | DbError::ProtocolError
        ),
        RequestAttemptError::SerializationError(_) | RequestAttemptError::CqlRequestSerialization(_) => false,
        _ => true,
    }
}

/// Whether the server or the driver refuses the statement's values. A missing table causes the same error, so a caller
/// that gives up a record for it first checks whether other writes succeed.
fn is_refused(error: &ExecutionError) -> bool {
    use ExecutionError::{BadQuery, LastAttemptError};
    matches!(
        error,
        BadQuery(_)
            | LastAttemptError(
                RequestAttemptError::DbError(DbError::Invalid, _)
                    | RequestAttemptError::SerializationError(_)
                    | RequestAttemptError::CqlRequestSerialization(_)
            )
    )
}

/// The error for the ports: the statement, the number of attempts, and the driver's error.
pub(crate) fn store_error(statement: &str, attempts: u32, error: &ExecutionError) -> StoreError {
    let text = format!("{statement}, attempt {attempts}: {error}");
    match error {
        error if may_pass(error) => {
            StoreError::Unavailable(FailureCause::new(kind_of(error), text).caused_by(error.clone()))
        }
        error if is_refused(error) => StoreError::Refused(FailureCause::refused(text).caused_by(error.clone())),
        _ => StoreError::Broken(FailureCause::from(text).caused_by(error.clone())),
    }
}

/// The failure kind of a driver's error.
pub(crate) fn kind_of(error: &ExecutionError) -> FailureKind {
    match error {
        ExecutionError::RequestTimeout(_) => FailureKind::Timeout,
        ExecutionError::LastAttemptError(attempt) => kind_of_attempt(attempt),
        ExecutionError::PrepareError(error) => kind_of_prepare(error),
        ExecutionError::BadQuery(_) | ExecutionError::UseKeyspaceError(_) => FailureKind::Refused,
        _ => FailureKind::Unreachable,
    }
}

/// The failure kind of a statement that was not prepared.
pub(crate) fn kind_of_prepare(error: &PrepareError) -> FailureKind {
    match error {
        PrepareError::AllAttemptsFailed { first_attempt } => kind_of_attempt(first_attempt),
        _ => FailureKind::Unreachable,
    }
}

/// Too few live replicas and a failed replica count as unreachable: the coordinator answers, but the data is not
/// available.
fn kind_of_attempt(attempt: &RequestAttemptError) -> FailureKind {
    match attempt {
        RequestAttemptError::DbError(error, _) => match error {
            DbError::ReadTimeout { .. } | DbError::WriteTimeout { .. } => FailureKind::Timeout,
            DbError::Overloaded | DbError::IsBootstrapping | DbError::RateLimitReached { .. } => {
                FailureKind::Overloaded
            }
            DbError::SyntaxError
            | DbError::Invalid
            | DbError::AlreadyExists { .. }
            | DbError::FunctionFailure { .. }
            | DbError::AuthenticationError
            | DbError::Unauthorized
            | DbError::ConfigError
            | DbError::ProtocolError => FailureKind::Refused,
            _ => FailureKind::Unreachable,
        },
        RequestAttemptError::SerializationError(_) | RequestAttemptError::CqlRequestSerialization(_) => {
            FailureKind::Refused
        }
        // The connection has no free stream id: too many requests are in progress.
        RequestAttemptError::UnableToAllocStreamId => FailureKind::Overloaded,
        _ => FailureKind::Unreachable,
    }
}

/// The error of stored content that cannot be read, or of columns that differ from this build's schema.
pub(crate) fn unreadable(what: &str, cause: impl Into<Box<dyn Error + Send + Sync>>) -> StoreError {
    let cause = cause.into();
    let text = format!("{what} does not read back: {cause}");
    StoreError::Broken(FailureCause::from(text).caused_by(cause))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use scylla::errors::{OperationType, WriteType};
    use scylla::statement::Consistency;

    use super::*;

    const AT: Consistency = Consistency::LocalQuorum;

    fn answered(error: DbError) -> ExecutionError {
        ExecutionError::LastAttemptError(RequestAttemptError::DbError(error, "as the server says".to_owned()))
    }

    #[test]
    fn every_answer_of_the_cluster_has_its_kind_and_its_variant() {
        use FailureKind::{Overloaded, Refused, Timeout, Unreachable};
        let read_timeout = DbError::ReadTimeout { consistency: AT, received: 1, required: 2, data_present: false };
        let write_timeout =
            DbError::WriteTimeout { consistency: AT, received: 1, required: 2, write_type: WriteType::Simple };
        let read_failure =
            DbError::ReadFailure { consistency: AT, received: 1, required: 2, numfailures: 1, data_present: false };
        let rate = DbError::RateLimitReached { op_type: OperationType::Write, rejected_by_coordinator: true };
        let exists = DbError::AlreadyExists { keyspace: "k".to_owned(), table: "t".to_owned() };
        // The kind; and whether it is unavailable (u), refused for its values (r) or broken (b).
        for (error, kind, variant) in [
            (answered(read_timeout), Timeout, 'u'),
            (answered(write_timeout), Timeout, 'u'),
            (ExecutionError::RequestTimeout(Duration::from_secs(2)), Timeout, 'u'),
            (answered(DbError::Overloaded), Overloaded, 'u'),
            (answered(DbError::IsBootstrapping), Overloaded, 'u'),
            (answered(rate), Overloaded, 'u'),
            (ExecutionError::LastAttemptError(RequestAttemptError::UnableToAllocStreamId), Overloaded, 'u'),
            (answered(DbError::Unavailable { consistency: AT, required: 2, alive: 1 }), Unreachable, 'u'),
            (answered(read_failure), Unreachable, 'u'),
            (answered(DbError::ServerError), Unreachable, 'u'),
            (answered(DbError::TruncateError), Unreachable, 'u'),
            (ExecutionError::EmptyPlan, Unreachable, 'u'),
            (answered(DbError::Invalid), Refused, 'r'),
            (answered(DbError::SyntaxError), Refused, 'b'),
            (answered(exists), Refused, 'b'),
            (answered(DbError::Unauthorized), Refused, 'b'),
            (answered(DbError::AuthenticationError), Refused, 'b'),
            (answered(DbError::ConfigError), Refused, 'b'),
            (answered(DbError::ProtocolError), Refused, 'b'),
        ] {
            assert_eq!(kind_of(&error), kind, "{error}");
            let found_error = store_error("save", 2, &error);
            let (found, cause) = match &found_error {
                StoreError::Unavailable(cause) => ('u', cause),
                StoreError::Refused(cause) => ('r', cause),
                StoreError::Broken(cause) => ('b', cause),
            };
            assert_eq!(found, variant, "{error}");
            assert_eq!(cause.as_str(), format!("save, attempt 2: {error}"));
            assert!(cause.source().is_some_and(|source| source.is::<ExecutionError>()), "{error}");
            if variant == 'u' {
                assert_eq!(found_error.kind(), kind, "{error}");
            }
        }
    }

    #[test]
    fn content_that_does_not_read_back_keeps_what_the_reader_says() {
        let wrong = "x".parse::<u32>().unwrap_err();
        let StoreError::Broken(cause) = unreadable("accounts", wrong) else { panic!("it is broken") };
        assert_eq!(cause.as_str(), "accounts does not read back: invalid digit found in string");
        assert!(cause.source().is_some_and(|source| source.is::<std::num::ParseIntError>()));
    }
}
