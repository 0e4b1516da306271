//! The compared tables and the order of their rows.

use std::cmp::Ordering;

use super::cell;
use super::scan::ScannedRow;

/// One table, or one side of it.
pub(super) struct Table {
    /// The name in reports.
    pub name: &'static str,
    table: &'static str,
    partition: &'static str,
    /// Summaries: one row for each partition.
    is_distinct: bool,
    /// The key's columns, in order.
    pub key: &'static [KeyColumn],
    /// The columns that are compared.
    pub cells: &'static [&'static str],
    pub rows_per_page: i32,
}

#[derive(Clone, Copy)]
pub(super) struct KeyColumn {
    name: &'static str,
    is_descending: bool,
}

const fn up(name: &'static str) -> KeyColumn {
    KeyColumn { name, is_descending: false }
}

const fn down(name: &'static str) -> KeyColumn {
    KeyColumn { name, is_descending: true }
}

pub(super) const TABLES: &[Table] = &[
    Table {
        name: "runs",
        table: "runs",
        partition: "team, run",
        is_distinct: true,
        key: &[up("team"), up("run")],
        cells: &["position", "summary", "WRITETIME(position)", "WRITETIME(summary)"],
        rows_per_page: 200,
    },
    Table {
        name: "runs, events",
        table: "runs",
        partition: "team, run",
        is_distinct: false,
        key: &[up("team"), up("run"), up("event")],
        cells: &["content_hash", "received_at", "body"],
        rows_per_page: 200,
    },
    Table {
        name: "event_owners",
        table: "event_owners",
        partition: "team, born_minute",
        is_distinct: false,
        key: &[up("team"), up("born_minute"), up("event"), up("run")],
        cells: &[],
        rows_per_page: 1_000,
    },
    Table {
        name: "run_listing",
        table: "run_listing",
        partition: "team, facet, label, day, bucket",
        is_distinct: false,
        key: &[up("team"), up("facet"), up("label"), up("day"), up("bucket"), down("started_at"), down("run")],
        cells: &["line"],
        rows_per_page: 1_000,
    },
    Table {
        name: "run_days",
        table: "run_days",
        partition: "team, facet, label",
        is_distinct: false,
        key: &[up("team"), up("facet"), up("label"), down("day"), up("bucket")],
        cells: &[],
        rows_per_page: 1_000,
    },
    Table {
        name: "run_usage",
        table: "run_usage",
        partition: "team, month, bucket",
        is_distinct: false,
        key: &[up("team"), up("month"), up("bucket"), up("run")],
        cells: &["units"],
        rows_per_page: 1_000,
    },
    Table {
        name: "run_repeats",
        table: "run_repeats",
        partition: "team, month, bucket",
        is_distinct: false,
        key: &[up("team"), up("month"), up("bucket"), up("agent"), up("run")],
        cells: &["repeats"],
        rows_per_page: 1_000,
    },
    Table {
        name: "run_agents",
        table: "run_agents",
        partition: "team",
        is_distinct: false,
        key: &[up("team"), up("slug")],
        cells: &["first_seen", "last_seen"],
        rows_per_page: 1_000,
    },
    Table {
        name: "unpriced_models",
        table: "unpriced_models",
        partition: "team, month",
        is_distinct: false,
        key: &[up("team"), up("month"), up("provider"), up("model")],
        cells: &[],
        rows_per_page: 1_000,
    },
];

impl Table {
    /// Reads one range of the ring: the token, the key's columns, the cells.
    pub fn statement(&self, keyspace: &str) -> String {
        let Table { table, partition, .. } = self;
        let distinct = if self.is_distinct { "DISTINCT " } else { "" };
        let columns: Vec<&str> = self.key.iter().map(|column| column.name).chain(self.cells.iter().copied()).collect();
        let columns = columns.join(", ");
        format!(
            "SELECT {distinct}token({partition}), {columns} FROM {keyspace}.{table} \
             WHERE token({partition}) > ? AND token({partition}) <= ?"
        )
    }

    /// The order of two rows in a read of the whole table.
    pub fn order(&self, one: &ScannedRow, other: &ScannedRow) -> Ordering {
        let by_key = self.key.iter().enumerate().map(|(index, column)| {
            let order = cell::order(one.columns[index].as_ref(), other.columns[index].as_ref());
            if column.is_descending { order.reverse() } else { order }
        });
        let by_key = by_key.fold(Ordering::Equal, Ordering::then);
        one.token.cmp(&other.token).then(by_key)
    }

    /// A row's key as text for reports.
    pub fn key_of(&self, row: &ScannedRow) -> String {
        let each = self.key.iter().zip(&row.columns).map(|(column, value)| {
            let value = value.as_ref().map_or_else(|| "null".to_owned(), cell::shown);
            format!("{}={value}", column.name)
        });
        each.collect::<Vec<_>>().join(" ")
    }

    /// Whether this is a row of the table. A run without events appears as a row without a clustering key; its summary
    /// is compared elsewhere.
    pub fn is_row(&self, row: &ScannedRow) -> bool {
        self.key.iter().zip(&row.columns).all(|(_, value)| value.is_some())
    }
}
