//! What a SQLite error means to a caller of the store ports.

use rusqlite::ErrorCode;
use rusqlite::types::Type;
use tidegate_ports::StoreError;

/// Busy, full, or failing disks pass; damage, and content that does not read back, do not.
pub(crate) fn failure(error: rusqlite::Error) -> StoreError {
    let text = error.to_string();
    // A number beyond a column's 64 bits, or a text beyond what a row holds.
    if matches!(error, rusqlite::Error::ToSqlConversionFailure(_))
        || matches!(error.sqlite_error_code(), Some(ErrorCode::TooBig))
    {
        return StoreError::Refused(text);
    }
    match error.sqlite_error_code() {
        Some(
            ErrorCode::DatabaseCorrupt
            | ErrorCode::NotADatabase
            | ErrorCode::ConstraintViolation
            | ErrorCode::TypeMismatch
            | ErrorCode::ApiMisuse,
        )
        | None => StoreError::Broken(text),
        Some(_) => StoreError::Unavailable(text),
    }
}

/// Reading, writing or syncing failed. A full disk is another error, which passes.
pub(crate) fn is_of_the_disk(error: &rusqlite::Error) -> bool {
    error.sqlite_error_code() == Some(ErrorCode::SystemIoFailure)
}

/// A column whose content does not read back.
pub(crate) fn unreadable(column: usize, cause: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(column, Type::Text, cause.into())
}
