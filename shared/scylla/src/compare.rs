//! Whether two keyspaces hold the same runs, cell by cell.

/// What was found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Comparison {
    /// Each table that was compared.
    pub tables: Vec<TableComparison>,
    /// The first of the differences.
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
    /// The column; `None`: the row is in one keyspace only.
    pub column: Option<&'static str>,
    pub one: Option<String>,
    pub other: Option<String>,
}

impl Comparison {
    pub fn are_equal(&self) -> bool {
        self.tables.iter().all(|table| table.differences == 0)
    }
}
