//! Pages of sums: read when a row needs them, and stored once a round is counted.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use tidegate_agentping::TeamId;
use tidegate_agentping_ports::FeedEntry;
use tidegate_agentping_ports::spend_rows::{
    SPEND_CHANGED, SPEND_DAYS, SPEND_TOTALS, changed_row, changed_shard, day_shard, page_row, total_shard,
};
use tidegate_agentping_pulse::spend::{PageKey, SpendChange, SpendPage, SpendPeriod, changes_of};
use tidegate_kernel::{Partition, SmolStr, Timestamp};
use tidegate_ports::{FailureCause, FailureKind, RowKey, RowWrite, Rows, StoreError};

/// Pages kept in memory. Beyond it all are forgotten, and read again where they are needed.
const MOST_PAGES: usize = 20_000;
/// Rows that one call to the store writes.
pub(super) const AT_ONCE: usize = 200;

/// A page of one partition of the log.
type Owned = (u16, Partition, PageKey);

/// A row's changes by page.
type PageChanges = Vec<(PageKey, Vec<SpendChange>)>;

/// The pages that were used last.
#[derive(Debug, Default)]
pub struct StoredPages {
    pages: HashMap<Owned, SpendPage>,
    /// Those that are not in the store as they are here.
    unwritten: BTreeSet<Owned>,
    /// The rank of the last announcement: each has its own, so that none passes for the one before.
    announced: u64,
}

impl StoredPages {
    /// Counts entries of a partition, in log order. Counting them again changes nothing.
    ///
    /// # Errors
    /// [`StoreError`]; none of the entries is counted.
    pub async fn count(
        &mut self,
        rows: &dyn Rows,
        (generation, partition): (u16, Partition),
        entries: &[FeedEntry],
    ) -> Result<(), StoreError> {
        let counted: Vec<(i64, PageChanges)> =
            entries.iter().map(|entry| (entry.position.offset, by_page(entry))).collect();
        let touched: BTreeSet<Owned> =
            counted.iter().flat_map(|(_, pages)| pages).map(|(key, _)| (generation, partition, *key)).collect();
        self.read(rows, &touched).await?;
        for (offset, pages) in &counted {
            for (key, changes) in pages {
                let page = self.pages.entry((generation, partition, *key)).or_default();
                page.count(key.period, *offset, changes.iter());
            }
        }
        self.unwritten.extend(touched);
        Ok(())
    }

    /// Pages that are not stored yet.
    pub fn unwritten(&self) -> usize {
        self.unwritten.len()
    }

    /// Stores what was counted, together with `others`, and then announces which days of which teams changed.
    ///
    /// # Errors
    /// [`StoreError`]; [`forget`](Self::forget), and count all entries again that were counted since it last succeeded.
    pub async fn store(&mut self, rows: &dyn Rows, others: Vec<RowWrite>, now: Timestamp) -> Result<(), StoreError> {
        let touched = std::mem::take(&mut self.unwritten);
        self.write(rows, &touched, others, now).await?;
        if self.pages.len() > MOST_PAGES {
            self.pages.clear();
        }
        let days = touched.iter().filter_map(|(_, _, key)| match key.period {
            SpendPeriod::Day(day) => Some((key.team, day)),
            SpendPeriod::Total => None,
        });
        let days: BTreeSet<(TeamId, i64)> = days.collect();
        self.announced = u64::try_from(now.as_millis()).unwrap_or_default().max(self.announced + 1);
        announce(rows, &days, self.announced, now).await
    }

    /// What is in memory may be ahead of the store, and is read again.
    pub fn forget(&mut self) {
        self.pages.clear();
        self.unwritten.clear();
    }

    async fn read(&mut self, rows: &dyn Rows, touched: &BTreeSet<Owned>) -> Result<(), StoreError> {
        let missing: Vec<Owned> = touched.iter().filter(|key| !self.pages.contains_key(*key)).copied().collect();
        for missing in missing.chunks(AT_ONCE) {
            let keys: Vec<RowKey> = missing.iter().map(row_key).collect();
            for (key, found) in missing.iter().zip(rows.get(&keys).await?) {
                let page = match found {
                    Some(bytes) => SpendPage::decode(&bytes).map_err(|error| broken(&error))?,
                    None => SpendPage::default(),
                };
                self.pages.insert(*key, page);
            }
        }
        Ok(())
    }

    async fn write(
        &self,
        rows: &dyn Rows,
        touched: &BTreeSet<Owned>,
        others: Vec<RowWrite>,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let mut writes = others;
        for owned in touched {
            let Some(page) = self.pages.get(owned) else { continue };
            let doc = page.encode().map_err(|error| broken(&error))?;
            let rank = u64::try_from(page.through()).unwrap_or_default();
            writes.push(RowWrite { key: row_key(owned), rank, doc: Some(doc) });
        }
        put(rows, writes, now).await
    }
}

/// A row's changes by the pages that count them: a page counts a row once. Most rows have none.
fn by_page(entry: &FeedEntry) -> PageChanges {
    let mut pages = PageChanges::new();
    for change in changes_of(&entry.row) {
        for key in change.pages(entry.row.team) {
            match pages.iter_mut().find(|(of, _)| *of == key) {
                Some((_, changes)) => changes.push(change.clone()),
                None => pages.push((key, vec![change.clone()])),
            }
        }
    }
    pages
}

fn row_key((generation, partition, key): &Owned) -> RowKey {
    let row = page_row(*generation, *partition, key.number);
    match key.period {
        SpendPeriod::Day(day) => RowKey { table: &SPEND_DAYS, shard: day_shard(key.team, day), row },
        SpendPeriod::Total => RowKey { table: &SPEND_TOTALS, shard: total_shard(key.team), row },
    }
}

/// Says which days changed, after their pages are stored.
async fn announce(
    rows: &dyn Rows,
    days: &BTreeSet<(TeamId, i64)>,
    rank: u64,
    now: Timestamp,
) -> Result<(), StoreError> {
    let stamp = SmolStr::from(rank.to_string());
    let write = |(team, day): &(TeamId, i64)| {
        let key = RowKey { table: &SPEND_CHANGED, shard: changed_shard(now), row: changed_row(*team, *day) };
        RowWrite { key, rank, doc: Some(stamp.as_bytes().to_vec()) }
    };
    put(rows, days.iter().map(write).collect(), now).await
}

/// Stores rows, some at a time.
///
/// # Errors
/// [`StoreError`]; some may be stored.
async fn put(rows: &dyn Rows, writes: Vec<RowWrite>, now: Timestamp) -> Result<(), StoreError> {
    let mut writes = writes.into_iter().peekable();
    while writes.peek().is_some() {
        let some: Vec<RowWrite> = writes.by_ref().take(AT_ONCE).collect();
        rows.put(Arc::new(some), now).await?;
    }
    Ok(())
}

pub fn broken(error: &serde_json::Error) -> StoreError {
    StoreError::Broken(FailureCause::new(FailureKind::Broken, format!("a row of spend does not decode: {error}")))
}
