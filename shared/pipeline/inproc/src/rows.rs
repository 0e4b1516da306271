//! Rows in memory.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::ops::Bound;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use tidegate_kernel::{SmolStr, Timestamp};
use tidegate_ports::{Clock, KeptRow, Meeting, RowKey, RowScan, RowWrite, Rows, ScanOrder, StoreError};

/// Rows in memory. Clones share them.
#[derive(Clone)]
pub struct MemoryRows {
    kept: Arc<Mutex<BTreeMap<Shard, Names>>>,
    clock: Arc<dyn Clock>,
}

type Shard = (&'static str, SmolStr);
type Names = BTreeMap<SmolStr, Row>;

/// A removed row stays with its rank, so that an older write after the removal changes nothing.
#[derive(Clone, Debug)]
struct Row {
    doc: Option<Vec<u8>>,
    rank: u64,
    ends_at: Timestamp,
}

impl MemoryRows {
    /// Rows end by this clock.
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        MemoryRows { kept: Arc::default(), clock }
    }

    fn kept(&self) -> MutexGuard<'_, BTreeMap<Shard, Names>> {
        // A map insert cannot leave a map half changed.
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Rows for MemoryRows {
    async fn put(&self, rows: Arc<Vec<RowWrite>>, now: Timestamp) -> Result<(), StoreError> {
        RowWrite::check(&rows, Meeting::HigherRank)?;
        let mut kept = self.kept();
        for write in rows.iter() {
            let RowKey { table, shard, row } = &write.key;
            let written = Row { doc: write.doc.clone(), rank: write.rank, ends_at: write.ends_at(now) };
            match kept.entry((table.name, shard.clone())).or_default().entry(row.clone()) {
                Entry::Vacant(free) => {
                    free.insert(written);
                }
                Entry::Occupied(mut known) if known.get().rank <= written.rank || known.get().ends_at <= now => {
                    known.insert(written);
                }
                Entry::Occupied(_) => {}
            }
        }
        Ok(())
    }

    async fn insert(&self, rows: Arc<Vec<RowWrite>>, now: Timestamp) -> Result<Vec<bool>, StoreError> {
        RowWrite::check(&rows, Meeting::First)?;
        let mut kept = self.kept();
        let mut insert = |write: &RowWrite| {
            let RowKey { table, shard, row } = &write.key;
            let names = kept.entry((table.name, shard.clone())).or_default();
            let is_new = names.get(row).is_none_or(|known| known.ends_at <= now);
            if is_new {
                let written = Row { doc: write.doc.clone(), rank: write.rank, ends_at: write.ends_at(now) };
                names.insert(row.clone(), written);
            }
            is_new
        };
        Ok(rows.iter().map(&mut insert).collect())
    }

    async fn get(&self, keys: &[RowKey]) -> Result<Vec<Option<Vec<u8>>>, StoreError> {
        let (now, kept) = (self.clock.now(), self.kept());
        let doc = |key: &RowKey| {
            let row = kept.get(&(key.table.name, key.shard.clone()))?.get(&key.row)?;
            row.doc.clone().filter(|_| now < row.ends_at)
        };
        Ok(keys.iter().map(doc).collect())
    }

    async fn scan(&self, scan: &RowScan) -> Result<Vec<KeptRow>, StoreError> {
        let (now, kept) = (self.clock.now(), self.kept());
        let Some(names) = kept.get(&(scan.table.name, scan.shard.clone())) else { return Ok(Vec::new()) };
        let after = scan.after.clone().map_or(Bound::Unbounded, Bound::Excluded);
        let there = |(row, kept): (&SmolStr, &Row)| {
            Some(KeptRow { row: row.clone(), doc: kept.doc.clone().filter(|_| now < kept.ends_at)? })
        };
        Ok(match scan.order {
            ScanOrder::Ascending => names.range((after, Bound::Unbounded)).filter_map(there).take(scan.limit).collect(),
            ScanOrder::Descending => {
                names.range((Bound::Unbounded, after)).rev().filter_map(there).take(scan.limit).collect()
            }
        })
    }

    async fn purge_rows(&self, now: Timestamp, limit: usize) -> Result<usize, StoreError> {
        let mut left = limit;
        for names in self.kept().values_mut() {
            let ended = names.extract_if(.., |_, row| row.ends_at <= now).take(left);
            left -= ended.count();
        }
        Ok(limit - left)
    }
}
