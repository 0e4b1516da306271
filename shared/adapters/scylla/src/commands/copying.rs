//! Copying what follows from no log into another keyspace: owner keys, void records, and how far sending is.

use scylla::response::PagingState;
use tidegate_kernel::LogKey;
use tidegate_ports::{StoreError, Voids};

use super::ScyllaCommands;
use super::owner_keys::{CREATED, ERASED};
use crate::failure::unreadable;

/// How much was copied.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Copied {
    /// Erased ones, too: they stay erased.
    pub owner_keys: u64,
    pub voids: u64,
    /// Deliveries that were tried.
    pub tried: u64,
}

impl ScyllaCommands {
    /// Copies every owner key, and that one was erased, every void record, and the progress of every delivery into another
    /// keyspace. What is there already stays, but for a key that was erased here, and an older progress. Doing it again
    /// changes nothing.
    ///
    /// # Errors
    /// [`StoreError`]; some may be copied.
    pub async fn copy_what_no_log_has(&self, into: &ScyllaCommands) -> Result<Copied, StoreError> {
        let mut copied = Copied::default();
        let mut from = Some(PagingState::start());
        while let Some(state) = from {
            let page = self.cql.page(&self.cql.statements().owner_keys, (), None, state).await?;
            for row in page.rows.rows::<(&str, Vec<u8>)>().map_err(|error| unreadable("owner_keys", error))? {
                let (owner, wrapped) = row.map_err(|error| unreadable("owner_keys", error))?;
                let at = if wrapped.is_empty() { ERASED } else { CREATED };
                into.save_owner_key(at, owner, wrapped).await?;
                copied.owner_keys += 1;
            }
            from = page.next;
        }
        for void in self.all().await? {
            into.add(void).await?;
            copied.voids += 1;
        }
        for shard in 0..LogKey::SHARDS {
            copied.tried += self.copy_progress(into, shard.cast_signed()).await?;
        }
        Ok(copied)
    }

    /// Each at its own write timestamp, so that of two progresses the later one stays.
    async fn copy_progress(&self, into: &ScyllaCommands, shard: i16) -> Result<u64, StoreError> {
        let mut copied = 0;
        let mut from = Some(PagingState::start());
        while let Some(state) = from {
            let page = self.cql.page(&self.cql.statements().all_delivery_progress, (shard,), None, state).await?;
            let rows = page.rows.rows::<(String, String, i64)>();
            for row in rows.map_err(|error| unreadable("delivery_progress", error))? {
                let (delivery, cell, at) = row.map_err(|error| unreadable("delivery_progress", error))?;
                into.cql.write(&into.cql.statements().save_delivery_progress, (shard, delivery, cell, at)).await?;
                copied += 1;
            }
            from = page.next;
        }
        Ok(copied)
    }
}
