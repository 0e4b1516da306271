//! Whether two keyspaces hold the same runs, cell by cell: the store is a function of the log, as a check.
//!
//! Each table is read from both sides in the order of the token ring, page by page, and merged; nothing is kept but
//! two pages and the first differences. `orphans` and `orphan_days` are left out: they are hints of which runs to look
//! at, and which of them are there depends on how records were batched. So are `accounts` and `notes`: they tell of
//! the log as these persisters met it, from where their first one began, and notes end.

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

/// What was found.
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
    /// Cells that differ, a row that only one has being one.
    pub differences: u64,
}

/// One cell, or one row, that differs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    pub table: &'static str,
    /// The primary key, as `column=value …`.
    pub key: String,
    /// `None`: the row is in one keyspace only.
    pub column: Option<&'static str>,
    /// What stands there in the one keyspace and in the other; long values are cut.
    pub one: Option<String>,
    pub other: Option<String>,
}

impl Comparison {
    pub fn are_equal(&self) -> bool {
        self.tables.iter().all(|table| table.differences == 0)
    }
}

/// Compares every run table of keyspaces `one` and `other` of the options' cluster, values and the summaries' write
/// timestamps. Nothing may be written to either meanwhile.
///
/// # Errors
/// [`StoreError`]: out of reach, or not at the schema of this build.
pub async fn keyspaces(options: &ScyllaOptions, one: &str, other: &str) -> Result<Comparison, StoreError> {
    for keyspace in [one, other] {
        check_keyspace(keyspace)
            .map_err(|error| StoreError::Broken(FailureCause::from(error.to_string()).caused_by(error)))?;
    }
    let session = connect(options, false).await?;
    for keyspace in [one, other] {
        crate::migrations::check(&session, keyspace, options.region).await?;
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
    let cells = table.cells.iter().enumerate().map(|(place, column)| (table.key.len() + place, *column));
    cells
        .filter(|(place, column)| !cell::same(column, one.columns[*place].as_ref(), other.columns[*place].as_ref()))
        .map(|(place, column)| Difference {
            table: table.name,
            key: table.key_of(one),
            column: Some(column),
            one: one.columns[place].as_ref().map(cell::shown),
            other: other.columns[place].as_ref().map(cell::shown),
        })
        .collect()
}
