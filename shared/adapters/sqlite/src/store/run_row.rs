//! A run as a row: start and finish as JSON, the sums as columns.

use rusqlite::Row;
use rusqlite::types::FromSql;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tidegate_agentping::Run;
use tidegate_kernel::{Timestamp, Usd};

use super::failure::unreadable;

/// The columns that [`read`] takes, in its order.
pub(super) const COLUMNS: &str = "start, implied, finish, events, events_cost_nanos_usd, errored, conflicted, \
                                  last_activity_ms, last_received_ms, units";

/// Reads a run from [`COLUMNS`], of which the first is column `first`.
pub(super) fn read(row: &Row<'_>, first: usize) -> rusqlite::Result<Run> {
    Ok(Run {
        start: register(row, first)?,
        implied: register(row, first + 1)?,
        finish: register(row, first + 2)?,
        events: unsigned(row, first + 3)?,
        events_cost: Usd::from_nanos(unsigned(row, first + 4)?),
        errored: row.get(first + 5)?,
        conflicted: row.get(first + 6)?,
        last_activity: millis(row, first + 7)?,
        last_received: millis(row, first + 8)?,
        units: json(row, first + 9)?,
    })
}

/// JSON for a text column. Registers hold strings, numbers and JSON that was parsed before: they always serialize.
pub(super) fn to_json<T: Serialize>(value: &T) -> rusqlite::Result<String> {
    serde_json::to_string(value).map_err(|error| rusqlite::Error::ToSqlConversionFailure(error.into()))
}

pub(super) fn json<T: DeserializeOwned>(row: &Row<'_>, column: usize) -> rusqlite::Result<T> {
    let text = row.get_ref(column)?.as_str().map_err(|error| unreadable(column, error))?;
    serde_json::from_str(text).map_err(|error| unreadable(column, error))
}

pub(super) fn register<T: DeserializeOwned>(row: &Row<'_>, column: usize) -> rusqlite::Result<Option<T>> {
    let text = text(row, column)?;
    text.map(|text| serde_json::from_str(text).map_err(|error| unreadable(column, error))).transpose()
}

/// A text column without a copy; `None` for NULL.
pub(super) fn text<'r>(row: &'r Row<'_>, column: usize) -> rusqlite::Result<Option<&'r str>> {
    row.get_ref(column)?.as_str_or_null().map_err(|error| unreadable(column, error))
}

pub(super) fn millis(row: &Row<'_>, column: usize) -> rusqlite::Result<Timestamp> {
    row.get(column).map(Timestamp::from_millis)
}

/// Counts and sums are never stored below 0.
pub(crate) fn unsigned(row: &Row<'_>, column: usize) -> rusqlite::Result<u64> {
    let value = i64::column_result(row.get_ref(column)?).map_err(|error| unreadable(column, error))?;
    u64::try_from(value).map_err(|error| unreadable(column, error))
}

/// The inverse of [`unsigned`], saturating.
pub(super) fn signed(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}
