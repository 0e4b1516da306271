//! What a SQLite error means to a caller of the store ports.

use rusqlite::ErrorCode;
use rusqlite::types::Type;
use tidegate_ports::{FailureCause, FailureKind, StoreError};
use tokio::task::JoinError;

use super::SqliteError;

/// Busy, full, or failing disks pass; damage, and content that does not read back, do not.
pub(crate) fn failure(error: rusqlite::Error) -> StoreError {
    let text = error.to_string();
    // A number beyond a column's 64 bits, or a text beyond what a row holds.
    if matches!(error, rusqlite::Error::ToSqlConversionFailure(_))
        || matches!(error.sqlite_error_code(), Some(ErrorCode::TooBig))
    {
        return StoreError::Refused(FailureCause::refused(text).caused_by(error));
    }
    match error.sqlite_error_code() {
        Some(
            ErrorCode::DatabaseCorrupt
            | ErrorCode::NotADatabase
            | ErrorCode::ConstraintViolation
            | ErrorCode::TypeMismatch
            | ErrorCode::ApiMisuse,
        )
        | None => StoreError::Broken(FailureCause::from(text).caused_by(error)),
        Some(code) => StoreError::Unavailable(FailureCause::new(kind_of(code), text).caused_by(error)),
    }
}

/// What kind of failure a code of SQLite is.
pub(crate) const fn kind_of(code: ErrorCode) -> FailureKind {
    match code {
        // Another connection holds the file, for longer than the busy timeout; or there is no room.
        ErrorCode::DatabaseBusy
        | ErrorCode::DatabaseLocked
        | ErrorCode::FileLockingProtocolFailed
        | ErrorCode::DiskFull
        | ErrorCode::OutOfMemory => FailureKind::Overloaded,
        ErrorCode::OperationInterrupted | ErrorCode::OperationAborted => FailureKind::Timeout,
        ErrorCode::PermissionDenied
        | ErrorCode::ReadOnly
        | ErrorCode::AuthorizationForStatementDenied
        | ErrorCode::TooBig
        | ErrorCode::ParameterOutOfRange => FailureKind::Refused,
        ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase => FailureKind::Broken,
        _ => FailureKind::Unreachable,
    }
}

/// The error as a cause, in its own words.
pub(crate) fn cause(error: rusqlite::Error) -> FailureCause {
    FailureCause::new(kind_of_error(&error), error.to_string()).caused_by(error)
}

/// What kind of failure an error of SQLite is; without a code of the file's, its content is not as it should be.
pub(crate) fn kind_of_error(error: &rusqlite::Error) -> FailureKind {
    error.sqlite_error_code().map_or(FailureKind::Broken, kind_of)
}

/// The port's error for a file that could not be opened: `broken` for one that is damaged or not ours, which stays so.
pub(crate) fn cannot_open<E>(
    error: SqliteError,
    broken: impl FnOnce(FailureCause) -> E,
    unavailable: impl FnOnce(FailureCause) -> E,
) -> E {
    let cause = opening(error);
    if cause.kind() == FailureKind::Broken { broken(cause) } else { unavailable(cause) }
}

/// Why a file could not be opened. Where the kind is broken, a retry does not help.
fn opening(error: SqliteError) -> FailureCause {
    let kind = match &error {
        SqliteError::Sqlite { source, .. } => kind_of_error(source),
        _ => FailureKind::Broken,
    };
    FailureCause::new(kind, error.to_string()).caused_by(error)
}

/// A call on a blocking thread that did not return: it panicked, or the process ends. `what` was broken off.
pub(crate) fn broken_off(what: &str, error: JoinError) -> FailureCause {
    FailureCause::from(format!("{what} was broken off: {error}")).caused_by(error)
}

/// Reading, writing or syncing failed. A full disk is another error, which passes.
pub(crate) fn is_of_the_disk(error: &rusqlite::Error) -> bool {
    error.sqlite_error_code() == Some(ErrorCode::SystemIoFailure)
}

/// A column whose content does not read back.
pub(crate) fn unreadable(column: usize, cause: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(column, Type::Text, cause.into())
}

#[cfg(test)]
mod tests {
    use std::error::Error;
    use std::path::PathBuf;

    use rusqlite::ffi;

    use super::*;

    fn of_code(code: i32) -> rusqlite::Error {
        rusqlite::Error::SqliteFailure(ffi::Error::new(code), None)
    }

    #[test]
    fn every_code_has_its_kind_and_its_variant() {
        use FailureKind::{Broken, Overloaded, Refused, Timeout, Unreachable};
        // The kind; and whether it is unavailable (u), refused for its values (r) or broken (b).
        for (code, kind, variant) in [
            (ffi::SQLITE_BUSY, Overloaded, 'u'),
            (ffi::SQLITE_LOCKED, Overloaded, 'u'),
            (ffi::SQLITE_FULL, Overloaded, 'u'),
            (ffi::SQLITE_NOMEM, Overloaded, 'u'),
            (ffi::SQLITE_INTERRUPT, Timeout, 'u'),
            (ffi::SQLITE_READONLY, Refused, 'u'),
            (ffi::SQLITE_PERM, Refused, 'u'),
            (ffi::SQLITE_IOERR, Unreachable, 'u'),
            (ffi::SQLITE_CANTOPEN, Unreachable, 'u'),
            (ffi::SQLITE_TOOBIG, Refused, 'r'),
            (ffi::SQLITE_CORRUPT, Broken, 'b'),
            (ffi::SQLITE_NOTADB, Broken, 'b'),
            (ffi::SQLITE_CONSTRAINT, Broken, 'b'),
            (ffi::SQLITE_MISMATCH, Broken, 'b'),
            (ffi::SQLITE_MISUSE, Broken, 'b'),
        ] {
            let (error, text) = (failure(of_code(code)), of_code(code).to_string());
            let (found, cause) = match &error {
                StoreError::Unavailable(cause) => ('u', cause),
                StoreError::Refused(cause) => ('r', cause),
                StoreError::Broken(cause) => ('b', cause),
            };
            assert_eq!((found, error.kind(), cause.as_str()), (variant, kind, text.as_str()));
            assert!(cause.source().is_some_and(|source| source.is::<rusqlite::Error>()), "{text}");
        }
    }

    #[test]
    fn only_what_sqlite_says_of_a_file_that_does_not_open_may_pass() {
        let path = || PathBuf::from("settings.db");
        let sqlite = |code| SqliteError::Sqlite { path: path(), source: of_code(code) };
        for (error, kind) in [
            (sqlite(ffi::SQLITE_BUSY), FailureKind::Overloaded),
            (sqlite(ffi::SQLITE_CANTOPEN), FailureKind::Unreachable),
            (sqlite(ffi::SQLITE_CORRUPT), FailureKind::Broken),
            (SqliteError::Missing { path: path() }, FailureKind::Broken),
            (SqliteError::Damaged { path: path(), cause: "torn".to_owned() }, FailureKind::Broken),
            (SqliteError::Foreign { path: path(), found: 1, expected: 2 }, FailureKind::Broken),
        ] {
            let text = error.to_string();
            let (is_broken, cause) = cannot_open(error, |cause| (true, cause), |cause| (false, cause));
            assert_eq!((cause.kind(), cause.as_str()), (kind, text.as_str()));
            assert_eq!(is_broken, kind == FailureKind::Broken, "{text}");
            assert!(cause.source().is_some_and(|source| source.is::<SqliteError>()), "{text}");
        }
    }

    #[tokio::test]
    async fn a_call_that_panicked_is_the_source_of_its_cause() {
        let worked = tokio::task::spawn_blocking(|| panic!("as the test wants")).await;
        let cause = broken_off("a read", worked.map(|()| "it returned").expect_err("it panicked"));
        assert_eq!(cause.kind(), FailureKind::Unreachable);
        assert!(cause.as_str().starts_with("a read was broken off: "), "{cause}");
        assert!(cause.source().is_some_and(|source| source.is::<JoinError>()));
    }

    #[test]
    fn content_that_does_not_read_back_is_damage() {
        let error = failure(unreadable(3, "no number"));
        assert_eq!((error.kind(), matches!(error, StoreError::Broken(_))), (FailureKind::Broken, true));
    }
}
