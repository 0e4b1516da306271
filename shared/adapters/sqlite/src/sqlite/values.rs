//! Values of columns that have no type of their own in SQLite.

use rusqlite::Row;
use rusqlite::types::FromSql;
use tidegate_kernel::Timestamp;

use super::failure::unreadable;

/// A text column without a copy; `None` for NULL.
pub(crate) fn text<'r>(row: &'r Row<'_>, column: usize) -> rusqlite::Result<Option<&'r str>> {
    row.get_ref(column)?.as_str_or_null().map_err(|error| unreadable(column, error))
}

pub(crate) fn millis(row: &Row<'_>, column: usize) -> rusqlite::Result<Timestamp> {
    row.get(column).map(Timestamp::from_millis)
}

/// Counts and sums are never stored below 0.
pub(crate) fn unsigned(row: &Row<'_>, column: usize) -> rusqlite::Result<u64> {
    let value = i64::column_result(row.get_ref(column)?).map_err(|error| unreadable(column, error))?;
    u64::try_from(value).map_err(|error| unreadable(column, error))
}

/// The inverse of [`unsigned`], saturating.
pub(crate) fn signed(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}
