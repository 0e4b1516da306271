//! Owner keys. They are on no log, so their write timestamps are fixed: an erasure wins against every creation, whichever
//! comes first, without a conditional write.

use async_trait::async_trait;
use tidegate_kernel::LogKey;
use tidegate_ports::{OwnerKeys, StoreError};

use super::ScyllaCommands;
use crate::failure::unreadable;

/// Of two creations of one owner's key, which no process makes, the greater key stays on every replica.
pub(super) const CREATED: i64 = 1;
pub(super) const ERASED: i64 = 2;

#[async_trait]
impl OwnerKeys for ScyllaCommands {
    async fn create(&self, owner: LogKey, wrapped: Vec<u8>) -> Result<(), StoreError> {
        self.save_owner_key(CREATED, owner.text(), wrapped).await
    }

    async fn find(&self, owner: LogKey) -> Result<Option<Vec<u8>>, StoreError> {
        let found = self.cql.run(&self.cql.statements().owner_key, (owner.text(),)).await?;
        let row = found.rows.maybe_first_row::<(Vec<u8>,)>().map_err(|error| unreadable("an owner's key", error))?;
        Ok(row.map(|(wrapped,)| wrapped).filter(|wrapped| !wrapped.is_empty()))
    }

    /// Replaces the key by an empty one, which stays for good. The server drops the old bytes with its next compaction.
    async fn erase(&self, owner: LogKey) -> Result<(), StoreError> {
        self.save_owner_key(ERASED, owner.text(), Vec::new()).await
    }
}

impl ScyllaCommands {
    pub(super) async fn save_owner_key(&self, at: i64, owner: &str, wrapped: Vec<u8>) -> Result<(), StoreError> {
        self.cql.write(&self.cql.statements().save_owner_key, (at, wrapped, owner)).await
    }
}
