//! How a compared table is read, and how its rows are ordered and named.

use std::cmp::Ordering;

use scylla::value::CqlValue;

use super::cell;
use crate::compared_table::{ComparedTable, RowEnd};

/// What ends within so many milliseconds may have ended in one keyspace already.
const MARGIN_MS: i64 = 600_000;

/// A row with its token.
pub(super) struct ScannedRow {
    pub token: i64,
    /// The key's columns, then the cells.
    pub columns: Vec<Option<CqlValue>>,
}

impl ComparedTable {
    /// Reads one range of the ring: the token, the key's columns, the cells.
    pub(super) fn statement(&self, keyspace: &str) -> String {
        let ComparedTable { table, partition, .. } = self;
        let distinct = if self.is_distinct { "DISTINCT " } else { "" };
        let columns: Vec<&str> = self.key.iter().map(|column| column.name).chain(self.cells.iter().copied()).collect();
        let columns = columns.join(", ");
        format!(
            "SELECT {distinct}token({partition}), {columns} FROM {keyspace}.{table} \
             WHERE token({partition}) > ? AND token({partition}) <= ?"
        )
    }

    /// The order of two rows in a read of the whole table.
    pub(super) fn order(&self, one: &ScannedRow, other: &ScannedRow) -> Ordering {
        let by_key = self.key.iter().enumerate().map(|(index, column)| {
            let order = cell::order(one.columns[index].as_ref(), other.columns[index].as_ref());
            if column.is_descending { order.reverse() } else { order }
        });
        let by_key = by_key.fold(Ordering::Equal, Ordering::then);
        one.token.cmp(&other.token).then(by_key)
    }

    /// A row's key as text for reports.
    pub(super) fn key_of(&self, row: &ScannedRow) -> String {
        let each = self.key.iter().zip(&row.columns).map(|(column, value)| {
            let value = value.as_ref().map_or_else(|| "null".to_owned(), cell::shown);
            format!("{}={value}", column.name)
        });
        each.collect::<Vec<_>>().join(" ")
    }

    /// Whether this is a row to compare at `now_ms`, milliseconds since 1970. A partition with static columns alone
    /// appears as a row without a clustering key; those are compared elsewhere.
    pub(super) fn is_row(&self, row: &ScannedRow, now_ms: i64) -> bool {
        self.key.iter().zip(&row.columns).all(|(_, value)| value.is_some()) && !self.has_ended(row, now_ms)
    }

    fn has_ended(&self, row: &ScannedRow, now_ms: i64) -> bool {
        let RowEnd::At(column) = self.end else { return false };
        let at = self.cells.iter().position(|cell| *cell == column);
        let ends_at = at.and_then(|at| row.columns.get(self.key.len() + at)?.as_ref());
        matches!(ends_at, Some(CqlValue::Timestamp(ends_at)) if ends_at.0 < now_ms.saturating_add(MARGIN_MS))
    }
}

#[cfg(test)]
mod tests {
    use scylla::value::CqlTimestamp;

    use super::*;
    use crate::compared_table::{KeyColumn, up};

    #[test]
    fn what_has_ended_or_is_about_to_is_not_compared() {
        const KEY: &[KeyColumn] = &[up("a")];
        let end = RowEnd::At("ends_at");
        let table = ComparedTable { key: KEY, cells: &["ends_at"], end, ..ComparedTable::USUAL };
        let row = |ends_at: Option<i64>| ScannedRow {
            token: 0,
            columns: vec![Some(CqlValue::Int(1)), ends_at.map(|at| CqlValue::Timestamp(CqlTimestamp(at)))],
        };
        assert!(table.is_row(&row(None), 1_000));
        assert!(!table.is_row(&row(Some(999)), 1_000) && !table.is_row(&row(Some(1_000 + MARGIN_MS - 1)), 1_000));
        assert!(table.is_row(&row(Some(1_000 + MARGIN_MS)), 1_000));
        let lasting = ComparedTable { end: RowEnd::Never, ..table };
        assert!(lasting.is_row(&row(Some(0)), 1_000));
    }
}
