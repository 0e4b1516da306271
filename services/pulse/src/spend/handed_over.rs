//! How far alerts are handed over. Sums are stored first, so this is behind them. What a process has counted and not
//! handed over is read again by the next one, for its alerts only: the sums have it.

use std::collections::BTreeMap;
use std::ops::Range;

use tidegate_agentping_ports::{FeedRange, PulseFeed, SpendCursor, settled_page};
use tidegate_kernel::Partition;
use tidegate_ports::{Accounts, StoreError};

use super::round::{PAGE, PAGES_A_ROUND, SpendRound};

/// An offset on the feed of each partition.
pub(super) type Offsets = BTreeMap<(u16, Partition), i64>;

/// The offsets below which alerts are handed over.
#[derive(Debug, Default)]
pub(super) struct HandedOver {
    through: Offsets,
    /// Rows that a process before this one has counted and not handed over, as far as they were not read again.
    left: BTreeMap<(u16, Partition), Range<i64>>,
    /// Rounds have returned what is below these offsets.
    returned: Offsets,
    /// What rounds had returned as of the last mark.
    marked: Offsets,
}

impl HandedOver {
    /// As a process before this one has left it.
    pub fn stored(cursor: &SpendCursor) -> Self {
        let (mut through, behind) = (offsets(&cursor.next), offsets(&cursor.handed_over));
        let left = behind.iter().filter_map(|(owner, from)| Some((*owner, *from..*through.get(owner)?)));
        let left = left.filter(|(_, rows)| !rows.is_empty()).collect();
        through.extend(behind);
        HandedOver { through, left, returned: Offsets::new(), marked: Offsets::new() }
    }

    /// A partition is counted from this offset on, unless it was counted before.
    pub fn begin(&mut self, owner: (u16, Partition), from: i64) {
        self.through.entry(owner).or_insert(from);
    }

    /// Reads some of what is left.
    ///
    /// # Errors
    /// [`StoreError`]; the next call goes on there.
    pub async fn read_left(
        &mut self,
        feed: &dyn PulseFeed,
        accounts: &dyn Accounts,
        round: &mut SpendRound,
    ) -> Result<(), StoreError> {
        for (owner, rows) in &mut self.left {
            for _ in 0..PAGES_A_ROUND {
                if rows.is_empty() {
                    break;
                }
                let (generation, partition) = *owner;
                let range = FeedRange { generation, partition, from: rows.start, until: rows.end };
                let page = settled_page(feed, accounts, range, PAGE).await?.unwrap_or_default();
                if page.next_offset <= rows.start {
                    // The store has started again, and does not have everything back yet.
                    break;
                }
                page.entries.iter().for_each(|entry| round.take(&entry.row));
                rows.start = page.next_offset;
            }
        }
        self.left.retain(|_, rows| !rows.is_empty());
        Ok(())
    }

    /// A round returns what is counted up to `next`, but for what is left.
    pub fn return_to(&mut self, next: &Offsets) {
        let left = &self.left;
        let reached = |(owner, next): (&(u16, Partition), &i64)| {
            (*owner, left.get(owner).map_or(*next, |rows| rows.start.min(*next)))
        };
        self.returned = next.iter().map(reached).collect();
    }

    /// What rounds have returned is handed over.
    pub fn taken(&mut self) {
        self.through.append(&mut self.returned);
        self.marked.clear();
    }

    /// What rounds had returned as of the last mark is handed over. This is the next mark.
    pub fn mark(&mut self) {
        self.through.append(&mut self.marked);
        self.marked.clone_from(&self.returned);
    }

    /// The partitions in which less is handed over than is counted, with the offset up to which it is.
    pub fn behind(&self, next: &Offsets) -> Vec<(u16, Partition, i64)> {
        let behind = next.iter().filter_map(|(owner, next)| {
            let through = *self.through.get(owner)?;
            (through < *next).then_some((owner.0, owner.1, through))
        });
        behind.collect()
    }
}

/// The offsets of a stored list.
pub(super) fn offsets(stored: &[(u16, Partition, i64)]) -> Offsets {
    stored.iter().map(|(generation, partition, offset)| ((*generation, *partition), *offset)).collect()
}
