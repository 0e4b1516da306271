//! Compares the runs of two keyspaces cell by cell, to check that the store is a function of the log.
//!
//! Each table is read from both sides in the order of the token ring, page by page, and merged; only two pages and the
//! first differences are in memory. `orphans` and `orphan_days` are not compared: they are hints that depend on how
//! records were batched. `accounts` and `notes` are not compared either: they depend on where each keyspace's first
//! persister started, and notes expire. `pulse_feed` is not compared: its rows expire, and a former build wrote none.

use std::cmp::Ordering;

use futures_util::try_join;
use tidegate_ports::{FailureCause, StoreError};

use crate::options::{ScyllaOptions, check_keyspace};
use crate::session::connect;

mod cell;
mod scan;
mod tables;

use scan::{Scan, ScannedRow};
use tables::{TABLES, Table};

/// How many differences are kept.
pub const FIRST: usize = 20;

/// The result of a comparison.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Comparison {
    /// Each table that was compared.
    pub tables: Vec<TableComparison>,
    /// The first of the differences, at most [`FIRST`].
    pub first: Vec<Difference>,
}

/// One table of both keyspaces.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TableComparison {
    pub table: &'static str,
    /// Rows in the one keyspace and in the other.
    pub rows_one: u64,
    pub rows_other: u64,
    /// How many cells differ. A row in only one keyspace counts as one.
    pub differences: u64,
}

/// One cell, or one row, that differs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    pub table: &'static str,
    /// The primary key, as `column=value …`.
    pub key: String,
    /// The column; `None` if the row is in one keyspace only.
    pub column: Option<&'static str>,
    /// The values in the one keyspace and in the other; long values are cut.
    pub one: Option<String>,
    pub other: Option<String>,
}

impl Comparison {
    pub fn are_equal(&self) -> bool {
        self.tables.iter().all(|table| table.differences == 0)
    }
}

/// Compares every run table of keyspaces `one` and `other` of the options' cluster, values and the summaries' write
/// timestamps. Neither keyspace may be written meanwhile.
///
/// # Errors
/// [`StoreError`]: the cluster cannot be reached, or the schema is not that of this build.
pub async fn keyspaces(options: &ScyllaOptions, one: &str, other: &str) -> Result<Comparison, StoreError> {
    for keyspace in [one, other] {
        check_keyspace(keyspace)
            .map_err(|error| StoreError::Broken(FailureCause::from(error.to_string()).caused_by(error)))?;
    }
    let session = connect(options, false).await?;
    for keyspace in [one, other] {
        crate::migrations::check(&session, keyspace, options.region, &super::SCHEMA.tables).await?;
    }
    let mut comparison = Comparison::default();
    for table in TABLES {
        let mut one = Scan::begin(&session, options.retries, table, one).await?;
        let mut other = Scan::begin(&session, options.retries, table, other).await?;
        let compared = merge(table, &mut one, &mut other, &mut comparison.first).await?;
        comparison.tables.push(compared);
    }
    Ok(comparison)
}

async fn merge(
    table: &'static Table,
    one: &mut Scan<'_>,
    other: &mut Scan<'_>,
    first: &mut Vec<Difference>,
) -> Result<TableComparison, StoreError> {
    let mut compared = TableComparison { table: table.name, rows_one: 0, rows_other: 0, differences: 0 };
    loop {
        try_join!(one.fill(), other.fill())?;
        let order = match (one.head(), other.head()) {
            (None, None) => return Ok(compared),
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (Some(one), Some(other)) => table.order(one, other),
        };
        let (one_row, other_row) = match order {
            Ordering::Less => (one.take(), None),
            Ordering::Greater => (None, other.take()),
            Ordering::Equal => (one.take(), other.take()),
        };
        compared.rows_one += u64::from(one_row.is_some());
        compared.rows_other += u64::from(other_row.is_some());
        let differences = differences(table, one_row.as_ref(), other_row.as_ref());
        compared.differences += differences.len() as u64;
        first.extend(differences.into_iter().take(FIRST - first.len()));
    }
}

fn differences(table: &'static Table, one: Option<&ScannedRow>, other: Option<&ScannedRow>) -> Vec<Difference> {
    let (Some(one), Some(other)) = (one, other) else {
        let shown = |row: &ScannedRow| table.key_of(row);
        return one
            .or(other)
            .map(|row| Difference {
                table: table.name,
                key: shown(row),
                column: None,
                one: one.map(|_| "a row".to_owned()),
                other: other.map(|_| "a row".to_owned()),
            })
            .into_iter()
            .collect();
    };
    let cells = table.cells.iter().enumerate().map(|(index, column)| (table.key.len() + index, *column));
    cells
        .filter(|(index, column)| !cell::same(column, one.columns[*index].as_ref(), other.columns[*index].as_ref()))
        .map(|(index, column)| Difference {
            table: table.name,
            key: table.key_of(one),
            column: Some(column),
            one: one.columns[index].as_ref().map(cell::shown),
            other: other.columns[index].as_ref().map(cell::shown),
        })
        .collect()
}
