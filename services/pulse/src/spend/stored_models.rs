//! Sums of months by model: read and stored with each write of sums, where calls cost anything.

use std::collections::BTreeMap;

use tidegate_agentping::TeamId;
use tidegate_agentping::feed::ModelSpend;
use tidegate_agentping_ports::FeedEntry;
use tidegate_agentping_ports::spend_rows::{SPEND_MODELS, month_shard, page_row};
use tidegate_agentping_pulse::spend::ModelPage;
use tidegate_kernel::{Month, Partition};
use tidegate_ports::{RowKey, RowWrite, Rows, StoreError};

use super::stored_pages::{AT_ONCE, broken};

/// A month of a team in one partition of the log.
type OwnedMonth = (u16, Partition, TeamId, Month);

/// What rows say of models and is not stored yet.
#[derive(Debug, Default)]
pub(super) struct StoredModels {
    /// By the offsets of the rows, in log order.
    unwritten: BTreeMap<OwnedMonth, Vec<(i64, Vec<ModelSpend>)>>,
    rows: usize,
}

impl StoredModels {
    /// Takes entries of a partition, in log order.
    pub fn count(&mut self, (generation, partition): (u16, Partition), entries: &mut [FeedEntry]) {
        for FeedEntry { position, row } in entries.iter_mut().filter(|entry| !entry.row.models.is_empty()) {
            let month = (generation, partition, row.team, Month::of(row.listed_at()));
            // Nothing else needs them.
            let models = std::mem::take(&mut row.models);
            self.unwritten.entry(month).or_default().push((position.offset, models));
            self.rows += 1;
        }
    }

    /// Rows that are not stored yet.
    pub fn unwritten(&self) -> usize {
        self.rows
    }

    /// The pages that change. Rows that were counted before change nothing.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn writes(&self, rows: &dyn Rows) -> Result<Vec<RowWrite>, StoreError> {
        let key = |(generation, partition, team, month): &OwnedMonth| RowKey {
            table: &SPEND_MODELS,
            shard: month_shard(*team, *month),
            row: page_row(*generation, *partition, 0),
        };
        let keys: Vec<RowKey> = self.unwritten.keys().map(key).collect();
        let mut months = self.unwritten.values();
        let mut writes = Vec::with_capacity(keys.len());
        for keys in keys.chunks(AT_ONCE) {
            for ((found, key), counts) in rows.get(keys).await?.into_iter().zip(keys).zip(months.by_ref()) {
                let mut page = match found {
                    Some(bytes) => ModelPage::decode(&bytes).map_err(|error| broken(&error))?,
                    None => ModelPage::default(),
                };
                let before = page.through();
                counts.iter().for_each(|(offset, models)| page.count(*offset, models));
                if page.through() > before {
                    let doc = page.encode().map_err(|error| broken(&error))?;
                    let rank = u64::try_from(page.through()).unwrap_or_default();
                    writes.push(RowWrite { key: key.clone(), rank, doc: Some(doc) });
                }
            }
        }
        Ok(writes)
    }

    /// What was taken is stored, or is taken again.
    pub fn clear(&mut self) {
        *self = StoredModels::default();
    }
}
