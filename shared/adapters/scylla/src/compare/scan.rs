//! Reads one whole table in the order of the token ring, page by page.

use std::collections::VecDeque;

use scylla::client::session::Session;
use scylla::response::{PagingState, PagingStateResponse};
use scylla::statement::prepared::PreparedStatement;
use scylla::value::{CqlValue, Row};
use tidegate_kernel::Timestamp;
use tidegate_ports::{FailureCause, StoreError};

use super::read_table::ScannedRow;
use crate::compared_table::ComparedTable;
use crate::failure::unreadable;
use crate::session::attempts;

/// Ranges of the ring, each read separately so that no read reaches the server's timeout.
const RANGES: i64 = 32;

pub(super) struct Scan<'s> {
    session: &'s Session,
    retries: u32,
    table: &'static ComparedTable,
    now_ms: i64,
    statement: PreparedStatement,
    /// The range being read, and the state of its next page.
    range: i64,
    next: Option<PagingState>,
    rows: VecDeque<ScannedRow>,
}

impl<'s> Scan<'s> {
    pub async fn begin(
        session: &'s Session,
        retries: u32,
        table: &'static ComparedTable,
        keyspace: &str,
        now: Timestamp,
    ) -> Result<Self, StoreError> {
        let prepared = session.prepare(table.statement(keyspace)).await;
        let mut statement = prepared.map_err(|error| {
            let text = format!("comparing {}: {error}", table.name);
            StoreError::Broken(FailureCause::from(text).caused_by(error))
        })?;
        statement.set_page_size(table.rows_per_page);
        statement.set_is_idempotent(true);
        let next = Some(PagingState::start());
        let now_ms = now.as_millis();
        Ok(Scan { session, retries, table, now_ms, statement, range: 0, next, rows: VecDeque::new() })
    }

    pub fn head(&self) -> Option<&ScannedRow> {
        self.rows.front()
    }

    pub fn take(&mut self) -> Option<ScannedRow> {
        self.rows.pop_front()
    }

    /// Reads pages until there is a row or the ring ends.
    pub async fn fill(&mut self) -> Result<(), StoreError> {
        while self.rows.is_empty() {
            let state = match self.next.take() {
                Some(state) => state,
                None if self.range + 1 < RANGES => {
                    self.range += 1;
                    PagingState::start()
                }
                None => return Ok(()),
            };
            self.read_page(state).await?;
        }
        Ok(())
    }

    async fn read_page(&mut self, state: PagingState) -> Result<(), StoreError> {
        let bound = self.statement.clone().bind(&bounds(self.range));
        let bound = bound.map_err(|error| unreadable("a token range", error))?;
        let once = || self.session.execute_bound_single_page(&bound, state.clone());
        let (answer, paging) = attempts(self.retries, "compare", once).await?;
        let rows = answer.into_rows_result().map_err(|error| unreadable(self.table.name, error))?;
        for row in rows.rows::<Row>().map_err(|error| unreadable(self.table.name, error))? {
            let mut columns = row.map_err(|error| unreadable(self.table.name, error))?.columns;
            let Some(CqlValue::BigInt(token)) = columns.remove(0) else {
                return Err(unreadable(self.table.name, "the partitioner is not Murmur3Partitioner"));
            };
            let row = ScannedRow { token, columns };
            if self.table.is_row(&row, self.now_ms) {
                self.rows.push_back(row);
            }
        }
        self.next = match paging {
            PagingStateResponse::HasMorePages { state } => Some(state),
            PagingStateResponse::NoMorePages => None,
        };
        Ok(())
    }
}

/// The tokens of a range: from the first (exclusive) to the second (inclusive).
fn bounds(range: i64) -> (i64, i64) {
    const WIDTH: i128 = (1 << 64) / RANGES as i128;
    // Fits in 64 bits for every range but the last, whose end is a constant.
    let end_of = |range: i64| (i128::from(i64::MIN) + i128::from(range + 1) * WIDTH) as i64;
    let start = if range == 0 { i64::MIN } else { end_of(range - 1) };
    (start, if range == RANGES - 1 { i64::MAX } else { end_of(range) })
}

#[cfg(test)]
mod tests {
    use super::{RANGES, bounds};

    #[test]
    fn ranges_cover_the_ring() {
        assert_eq!(bounds(0).0, i64::MIN);
        for range in 1..RANGES {
            assert_eq!(bounds(range).0, bounds(range - 1).1);
            assert!(bounds(range).0 < bounds(range).1);
        }
        assert_eq!(bounds(RANGES - 1).1, i64::MAX);
    }
}
