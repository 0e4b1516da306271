//! Facts: rows that are written once, several of one name side by side.
//!
//! The position is part of a row's key, so no fact is ever overwritten, and its cells are the same whenever it is added.

use std::sync::Arc;

use async_trait::async_trait;
use futures_util::{StreamExt, TryStreamExt, stream};
use scylla::response::PagingState;
use scylla::value::CqlTimestamp;
use tidegate_kernel::{Position, Timestamp};
use tidegate_ports::{FactName, Facts, StoreError, StoredFact};

use super::ScyllaCommands;
use crate::failure::unreadable;

/// A fact that lives longer than this is kept for good: servers limit the time to live and the instant of its end.
const MAX_TTL_S: i64 = 5 * 366 * 24 * 3_600;

/// How long an expired fact lives in a store that is rebuilt: longer than a rebuild takes.
pub(super) const REBUILD_TTL_S: i32 = 7 * 24 * 3_600;

/// The columns of a fact after its name.
type FactCells = (i32, i32, i64, Vec<u8>, Option<CqlTimestamp>);

#[async_trait]
impl Facts for ScyllaCommands {
    async fn add(&self, facts: Arc<Vec<StoredFact>>) -> Result<(), StoreError> {
        let now = self.clock.now();
        let add = |index: usize| {
            let (store, facts) = (self.clone(), Arc::clone(&facts));
            async move { store.add_fact(&facts[index], now).await }
        };
        stream::iter(0..facts.len()).map(add).buffer_unordered(self.cql.concurrency()).try_collect().await
    }

    async fn find(&self, wanted: &[FactName]) -> Result<Vec<Vec<StoredFact>>, StoreError> {
        let find = |name: FactName| {
            let store = self.clone();
            async move { store.facts_of(name).await }
        };
        stream::iter(wanted.to_vec()).map(find).buffered(self.cql.concurrency()).try_collect().await
    }
}

impl ScyllaCommands {
    async fn add_fact(&self, fact: &StoredFact, now: Timestamp) -> Result<(), StoreError> {
        let StoredFact { name, position, doc, expires_at } = fact;
        let Some(ttl_s) = ttl_s(*expires_at, now, self.facts_live_s) else { return Ok(()) };
        let values = (
            name.owner.text(),
            name.id.to_bytes().to_vec(),
            i32::from(position.generation),
            position.partition.cast_signed(),
            position.offset,
            doc.as_slice(),
            expires_at.map(|at| CqlTimestamp(at.as_millis())),
            position.write_timestamp(),
            ttl_s,
        );
        self.cql.write(&self.cql.statements().add_fact, values).await
    }

    /// The facts of a name, in the order of the table's key, which is that of positions.
    async fn facts_of(&self, name: FactName) -> Result<Vec<StoredFact>, StoreError> {
        let values = (name.owner.text().to_owned(), name.id.to_bytes().to_vec());
        let mut facts = Vec::new();
        let mut from = Some(PagingState::start());
        while let Some(state) = from {
            let page = self.cql.page(&self.cql.statements().facts, &values, None, state).await?;
            for row in page.rows.rows::<FactCells>().map_err(|error| unreadable("facts", error))? {
                facts.push(fact_of(name, row.map_err(|error| unreadable("facts", error))?)?);
            }
            from = page.next;
        }
        Ok(facts)
    }
}

fn fact_of(name: FactName, cells: FactCells) -> Result<StoredFact, StoreError> {
    let (generation, partition, offset, doc, expires_at) = cells;
    let generation = u16::try_from(generation).map_err(|error| unreadable("a fact's generation", error))?;
    let position = Position { generation, partition: partition.cast_unsigned(), offset };
    let expires_at = expires_at.map(|at| Timestamp::from_millis(at.0));
    Ok(StoredFact { name, position, doc, expires_at })
}

/// Seconds until the fact may be deleted, rounded up, and at least `least_s`; 0: never. `None`: it is over already and need
/// not be written.
fn ttl_s(expires_at: Option<Timestamp>, now: Timestamp, least_s: i32) -> Option<i32> {
    let Some(expires_at) = expires_at else { return Some(0) };
    let left_ms = expires_at.as_millis().saturating_sub(now.as_millis());
    let left_s = left_ms.div_euclid(1_000).saturating_add(i64::from(left_ms.rem_euclid(1_000) > 0));
    let left_s = left_s.max(i64::from(least_s));
    match left_s {
        ..=0 => None,
        1..=MAX_TTL_S => i32::try_from(left_s).ok(),
        _ => Some(0),
    }
}

#[cfg(test)]
mod tests {
    use tidegate_kernel::Timestamp;

    use super::{MAX_TTL_S, REBUILD_TTL_S, ttl_s};

    #[test]
    fn a_fact_lives_until_it_expires_and_no_shorter() {
        let at = Timestamp::from_millis;
        let now = at(1_000_000);
        for (expires_at, ttl) in [
            (None, Some(0)),
            (Some(at(1_000_001)), Some(1)),
            (Some(at(1_001_000)), Some(1)),
            (Some(at(1_001_001)), Some(2)),
            (Some(at(1_000_000)), None),
            (Some(at(999_999)), None),
            (Some(at(0)), None),
            (Some(at(1_000_000 + MAX_TTL_S * 1_000)), Some(158_112_000)),
            (Some(at(1_000_001 + MAX_TTL_S * 1_000)), Some(0)),
            (Some(at(i64::MAX)), Some(0)),
            (Some(at(i64::MIN)), None),
        ] {
            assert_eq!(ttl_s(expires_at, now, 0), ttl, "{expires_at:?}");
            let least = if ttl == Some(0) { 0 } else { ttl.unwrap_or(0).max(REBUILD_TTL_S) };
            assert_eq!(ttl_s(expires_at, now, REBUILD_TTL_S), Some(least), "{expires_at:?}, in a rebuild");
        }
    }
}
