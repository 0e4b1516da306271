//! Sums of months by model, read and stored with each batch that has any.

use std::collections::BTreeMap;

use tidegate_agentping::TeamId;
use tidegate_agentping_ports::FeedEntry;
use tidegate_agentping_ports::spend_rows::{SPEND_MODELS, month_shard, page_row};
use tidegate_agentping_pulse::spend::ModelPage;
use tidegate_kernel::{Month, Partition, Timestamp};
use tidegate_ports::{RowKey, RowWrite, Rows, StoreError};

use super::stored_pages::{broken, put};

/// Counts entries of a partition, in log order, and stores what changed. Counting them again changes nothing.
///
/// # Errors
/// [`StoreError`]; count the same entries again.
pub(super) async fn count(
    rows: &dyn Rows,
    (generation, partition): (u16, Partition),
    entries: &[FeedEntry],
    now: Timestamp,
) -> Result<(), StoreError> {
    let mut of_months: BTreeMap<(TeamId, Month), Vec<&FeedEntry>> = BTreeMap::new();
    for entry in entries.iter().filter(|entry| !entry.row.models.is_empty()) {
        of_months.entry((entry.row.team, Month::of(entry.row.listed_at()))).or_default().push(entry);
    }
    if of_months.is_empty() {
        return Ok(());
    }
    let key = |(team, month): &(TeamId, Month)| RowKey {
        table: &SPEND_MODELS,
        shard: month_shard(*team, *month),
        row: page_row(generation, partition, 0),
    };
    let keys: Vec<RowKey> = of_months.keys().map(key).collect();
    let mut writes = Vec::with_capacity(keys.len());
    for ((found, key), entries) in rows.get(&keys).await?.into_iter().zip(keys).zip(of_months.into_values()) {
        let mut page = match found {
            Some(bytes) => ModelPage::decode(&bytes).map_err(|error| broken(&error))?,
            None => ModelPage::default(),
        };
        let before = page.through();
        entries.iter().for_each(|entry| page.count(entry.position.offset, &entry.row.models));
        if page.through() > before {
            let doc = page.encode().map_err(|error| broken(&error))?;
            writes.push(RowWrite { key, rank: u64::try_from(page.through()).unwrap_or_default(), doc: Some(doc) });
        }
    }
    put(rows, writes, now).await
}
