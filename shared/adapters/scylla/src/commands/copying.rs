//! Copying what follows from no log into another keyspace: owner keys and void records.

use scylla::response::PagingState;
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
}

impl ScyllaCommands {
    /// Copies every owner key, and that one was erased, and every void record into another keyspace. What is there already
    /// stays, but for a key that was erased here. Doing it again changes nothing.
    ///
    /// # Errors
    /// [`StoreError`]; some may be copied.
    pub async fn copy_keys_and_voids(&self, into: &ScyllaCommands) -> Result<Copied, StoreError> {
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
        Ok(copied)
    }
}
