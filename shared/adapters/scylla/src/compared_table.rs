//! What a schema says of the tables by which two of its keyspaces are compared.

use scylla::value::CqlValue;

/// One table, or one side of it.
pub(crate) struct ComparedTable {
    /// The name in reports.
    pub name: &'static str,
    pub table: &'static str,
    pub partition: &'static str,
    /// One row for each partition: its static columns.
    pub is_distinct: bool,
    /// The key's columns, in order.
    pub key: &'static [KeyColumn],
    /// The columns that are compared.
    pub cells: &'static [&'static str],
    pub rows_per_page: i32,
    /// Whether two values of a column have the same content.
    pub same: fn(column: &str, one: Option<&CqlValue>, other: Option<&CqlValue>) -> bool,
    pub end: RowEnd,
}

/// Whether a row may be gone from one of the keyspaces because its time is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RowEnd {
    Never,
    /// From the instant in this column on; `null`: never. What has ended, or is about to, is not compared.
    At(&'static str),
    /// At some time that the row does not say: one that only one keyspace has is no difference.
    Sometime,
}

#[derive(Clone, Copy)]
pub(crate) struct KeyColumn {
    pub name: &'static str,
    pub is_descending: bool,
}

pub(crate) const fn up(name: &'static str) -> KeyColumn {
    KeyColumn { name, is_descending: false }
}

pub(crate) const fn down(name: &'static str) -> KeyColumn {
    KeyColumn { name, is_descending: true }
}

impl ComparedTable {
    /// What holds of most tables.
    pub const USUAL: ComparedTable = ComparedTable {
        name: "",
        table: "",
        partition: "",
        is_distinct: false,
        key: &[],
        cells: &[],
        rows_per_page: 1_000,
        same: |_, one, other| one == other,
        end: RowEnd::Never,
    };
}
