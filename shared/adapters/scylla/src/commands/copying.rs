//! Copying what follows from no log into another keyspace: owner keys, void records, releases, and how far sending is.

use scylla::response::PagingState;
use tidegate_kernel::LogKey;
use tidegate_kernel::command::VoidState;
use tidegate_ports::{Releases, StoreError, Voids};

use super::ScyllaCommands;
use super::owner_keys::{CREATED, ERASED};
use crate::failure::unreadable;

/// How much was copied.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Copied {
    /// Erased ones, too: they stay erased.
    pub owner_keys: u64,
    /// Those that are asked for or withdrawn, too.
    pub voids: u64,
    /// Deliveries that were tried.
    pub tried: u64,
}

impl ScyllaCommands {
    /// Copies every owner key, and that one was erased, every void record, what is known of releases, and the progress of
    /// every delivery into another keyspace. What is there already stays, but for a key that was erased here, and an older progress. Doing it again
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
        copied.voids = self.copy_voids(into).await?;
        for shard in 0..LogKey::SHARDS {
            copied.tried += self.copy_progress(into, shard.cast_signed()).await?;
        }
        Ok(copied)
    }

    /// Releases come first: a decider of the other keyspace then finds none of them missing where a void is settled.
    async fn copy_voids(&self, into: &ScyllaCommands) -> Result<u64, StoreError> {
        for registration in self.registered().await? {
            into.register(registration).await?;
        }
        for (position, release) in self.inabilities().await? {
            into.cannot_decide(release, position).await?;
        }
        let (voids, there) = (self.all().await?, into.all().await?);
        let copied = voids.len() as u64;
        for void in voids.into_iter().filter(|void| !there.contains(void)) {
            let (position, state) = (void.request.position, void.state);
            let round = into.ask(void.request).await?;
            if state != VoidState::Asked {
                into.settle(position, round, state).await?;
            }
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
