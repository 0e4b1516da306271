//! Reads slots: those of rows and those that are packed.

use std::collections::BTreeMap;

use tidegate_agentping::AgentId;
use tidegate_kernel::Timestamp;
use tidegate_ports::{RowScan, Rows, ScanOrder, StoreError};

use crate::document::{read, sortable};
use crate::slot_hours;
use crate::slots::{SLOTS, SlotDoc, day, shard};

/// Which slots to read, newest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SlotQuery {
    pub agent: AgentId,
    /// Slots at or after this.
    pub from: Timestamp,
    /// Slots at or before this.
    pub to: Timestamp,
    /// Only slots before this one.
    pub before: Option<Timestamp>,
    pub limit: usize,
}

impl SlotQuery {
    /// Reads them, a day at a time: at most as many days as the table keeps.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn read(&self, rows: &dyn Rows) -> Result<Vec<SlotDoc>, StoreError> {
        let last = self.before.map_or(self.to, |before| self.to.min(before.plus_millis(-1)));
        let mut found = Vec::new();
        let oldest_day = day(self.from).max(day(last) - i64::from(SLOTS.keep_days));
        for of_day in (oldest_day..=day(last)).rev() {
            let left = self.limit - found.len();
            if left == 0 {
                break;
            }
            let shard = shard(self.agent, of_day);
            let after = (of_day == day(last)).then(|| sortable(last.plus_millis(1)));
            let order = ScanOrder::Descending;
            let scan = RowScan { table: &SLOTS, shard: shard.clone(), after, order, limit: left };
            let kept = rows.scan(&scan).await?;
            let slots = kept.iter().filter_map(|row| read::<SlotDoc>(SLOTS.name, &shard, &row.doc));
            let packed = slot_hours::of_day(rows, self.agent, of_day).await?;
            let of_day = merged(slots.collect(), packed.into_iter().filter(|slot| slot.at <= last));
            found.extend(of_day.into_iter().filter(|slot| slot.at >= self.from).take(left));
        }
        Ok(found)
    }
}

/// Slots of rows and of packs, the newest first. Of a slot that has both, the later state counts: a row may be older than the
/// pack, where the judge that wrote it did not go on.
fn merged(rows: Vec<SlotDoc>, packed: impl Iterator<Item = SlotDoc>) -> Vec<SlotDoc> {
    let mut all: BTreeMap<Timestamp, SlotDoc> = packed.map(|slot| (slot.at, slot)).collect();
    for row in rows {
        if all.get(&row.at).is_none_or(|packed| row.step() >= packed.step()) {
            all.insert(row.at, row);
        }
    }
    all.into_values().rev().collect()
}
