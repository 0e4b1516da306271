//! Rows that are written and never revert: index rows, which every run of a team would write again otherwise, and
//! listing rows with unchanged content.

use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};

/// About 6 MB.
const AT_MOST: usize = 100_000;

/// Hashes of rows that the cluster has acknowledged to this process.
#[derive(Debug, Default)]
pub(super) struct Remembered(Mutex<HashSet<u128>>);

impl Remembered {
    pub fn has(&self, row: u128) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).contains(&row)
    }

    /// Adds a row. Call it only once the row is acknowledged.
    pub fn add(&self, rows: &[u128]) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() + rows.len() > AT_MOST {
            known.clear();
        }
        known.extend(rows);
    }
}
