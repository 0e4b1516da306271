//! Due times: one cell for each owner.

use std::sync::Arc;

use async_trait::async_trait;
use scylla::response::PagingState;
use scylla::value::CqlTimestamp;
use tidegate_kernel::Timestamp;
use tidegate_ports::{Due, DueOwner, DueWrite, StoreError};

use super::ScyllaCommands;
use crate::batch::RowBatches;
use crate::failure::unreadable;

/// That nothing is due: the last instant there is. A value and no null, so that an older write loses for good.
const NEVER: CqlTimestamp = CqlTimestamp(i64::MAX);
/// Bytes of a row, about.
const ROW_BYTES: usize = 128;

#[async_trait]
impl Due for ScyllaCommands {
    async fn put(&self, writes: Arc<Vec<DueWrite>>) -> Result<(), StoreError> {
        let mut batches = RowBatches::new("save_due", &self.cql.statements().save_due);
        for DueWrite { owner, at, position } in writes.iter() {
            let shard = owner.shard().cast_signed();
            let due_at = at.map_or(NEVER, |at| CqlTimestamp(at.as_millis()));
            batches.add(shard, ROW_BYTES, (position.write_timestamp(), due_at, shard, owner.text().to_owned()));
        }
        self.cql.write_batches(batches.into_batches(), self.cql.concurrency()).await
    }

    async fn read(&self, shard: u16) -> Result<Vec<DueOwner>, StoreError> {
        let mut due = Vec::new();
        let mut from = Some(PagingState::start());
        while let Some(state) = from {
            let page = self.cql.page(&self.cql.statements().due, (shard.cast_signed(),), None, state).await?;
            for row in page.rows.rows::<(&str, CqlTimestamp)>().map_err(|error| unreadable("due", error))? {
                let (owner, due_at) = row.map_err(|error| unreadable("due", error))?;
                if due_at != NEVER {
                    due.push(DueOwner { owner: owner.into(), at: Timestamp::from_millis(due_at.0) });
                }
            }
            from = page.next;
        }
        Ok(due)
    }
}
