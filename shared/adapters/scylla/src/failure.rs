//! What a driver's error means to a caller of the ports.

use std::fmt::Display;

use scylla::errors::{DbError, ExecutionError, RequestAttemptError};
use tidegate_ports::StoreError;

/// Whether sending the same again may help.
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

/// Whether the server, or the driver, refuses the statement's values. A table that is gone is told so, too: who gives up
/// a record for it looks first whether other writes are taken.
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

/// The error as the ports have it: what was attempted, how often, and what came back.
pub(crate) fn store_error(kind: &str, attempts: u32, error: &ExecutionError) -> StoreError {
    let text = format!("{kind}, attempt {attempts}: {error}");
    match error {
        error if may_pass(error) => StoreError::Unavailable(text),
        error if is_refused(error) => StoreError::Refused(text),
        _ => StoreError::Broken(text),
    }
}

/// Content that does not read back, or columns that are not as this build has them.
pub(crate) fn unreadable(what: &str, cause: impl Display) -> StoreError {
    StoreError::Broken(format!("{what} does not read back: {cause}"))
}
