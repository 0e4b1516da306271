//! View rows in memory.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::ops::Bound;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use tidegate_kernel::SmolStr;
use tidegate_kernel::command::ViewKey;
use tidegate_ports::{Scan, ScanOrder, StoreError, ViewRow, ViewWrite, Views};

/// View rows in memory. Clones share them.
#[derive(Clone, Debug, Default)]
pub struct MemoryViews(Arc<Mutex<BTreeMap<Shard, Rows>>>);

type Shard = (&'static str, SmolStr);
type Rows = BTreeMap<SmolStr, Row>;

/// A removed row stays with its timestamp, so that an older write after the removal changes nothing.
#[derive(Clone, Debug)]
struct Row {
    doc: Option<Vec<u8>>,
    written_at: i64,
}

impl MemoryViews {
    fn kept(&self) -> MutexGuard<'_, BTreeMap<Shard, Rows>> {
        // A map insert cannot leave a map half changed.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Views for MemoryViews {
    async fn put(&self, rows: Arc<Vec<ViewWrite>>) -> Result<(), StoreError> {
        let mut kept = self.kept();
        for ViewWrite { change, position } in rows.iter() {
            let ViewKey { view, shard, row } = &change.key;
            let written = Row { doc: change.doc.clone(), written_at: position.write_timestamp() };
            match kept.entry((view, shard.clone())).or_default().entry(row.clone()) {
                Entry::Vacant(free) => {
                    free.insert(written);
                }
                Entry::Occupied(mut known) if known.get().written_at < written.written_at => {
                    known.insert(written);
                }
                Entry::Occupied(_) => {}
            }
        }
        Ok(())
    }

    async fn get(&self, keys: &[ViewKey]) -> Result<Vec<Option<Vec<u8>>>, StoreError> {
        let kept = self.kept();
        let doc = |key: &ViewKey| kept.get(&(key.view, key.shard.clone()))?.get(&key.row)?.doc.clone();
        Ok(keys.iter().map(doc).collect())
    }

    async fn scan(&self, scan: &Scan) -> Result<Vec<ViewRow>, StoreError> {
        let kept = self.kept();
        let Some(rows) = kept.get(&(scan.view, scan.shard.clone())) else { return Ok(Vec::new()) };
        let after = scan.after.clone().map_or(Bound::Unbounded, Bound::Excluded);
        let there = |(row, kept): (&SmolStr, &Row)| Some(ViewRow { row: row.clone(), doc: kept.doc.clone()? });
        Ok(match scan.order {
            ScanOrder::Ascending => rows.range((after, Bound::Unbounded)).filter_map(there).take(scan.limit).collect(),
            ScanOrder::Descending => {
                rows.range((Bound::Unbounded, after)).rev().filter_map(there).take(scan.limit).collect()
            }
        })
    }
}
