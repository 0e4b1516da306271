//! A run as a row: start and finish as JSON, the sums as columns.

use rusqlite::Row;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tidegate_agentping::Run;
use tidegate_kernel::{Timestamp, Usd};

use crate::sqlite::failure::unreadable;
use crate::sqlite::values::{millis, text, unsigned};

/// The columns that [`read`] takes, in its order.
pub(super) const COLUMNS: &str = "start, implied, finish, events, events_cost_nanos_usd, errored, conflicted, \
                                  last_activity_ms, last_received_ms, units, alive_at_ms";

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
        alive_at: row.get::<_, Option<i64>>(first + 10)?.map(Timestamp::from_millis),
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
