//! The consumer's part: the fold, and the port of the product's only table.

use std::sync::Arc;

use async_trait::async_trait;
use futures_util::future::try_join_all;
use tidegate_consumer::{Apply, Entry, FoldStop, Group, StoreSeen};
use tidegate_kernel::PartitionEpoch;
use tidegate_ports::{Fate, StoreError};

use crate::mark::{CounterId, Mark};

/// What the marks of a counter come to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Total {
    pub total: i64,
    pub marks: i64,
    /// The write timestamp of the last mark in it; `None`: there is none yet.
    pub folded_to: Option<i64>,
}

/// The table of totals.
#[async_trait]
pub trait Counters: Send + Sync + 'static {
    /// `None`: nothing was counted yet.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn read(&self, counter: CounterId) -> Result<Option<Total>, StoreError>;

    /// Saves durably. A total that reaches less far than the stored one changes nothing.
    ///
    /// # Errors
    /// [`StoreError`]; saving again is right.
    async fn save(&self, counter: CounterId, total: Total) -> Result<(), StoreError>;

    /// See [`Apply::starts`].
    ///
    /// # Errors
    /// [`StoreError`].
    async fn starts(&self) -> Result<u64, StoreError> {
        Ok(0)
    }
}

/// The marks of one counter in a batch, and what is known of one of them.
type Marks = Group<CounterId, Mark>;
type MarkEntry = Entry<CounterId>;

/// Counts marks.
pub struct Counting(pub Arc<dyn Counters>);

#[async_trait]
impl Apply for Counting {
    type Key = CounterId;
    type Record = Mark;
    type Assignment = ();
    type Loaded = Vec<Total>;
    type Change = (CounterId, Total);

    fn assigned(&self, _of: PartitionEpoch) {}

    fn decode(&self, payload: &[u8]) -> Result<Mark, String> {
        Mark::decode(payload)
    }

    fn key(mark: &Mark) -> CounterId {
        mark.counter
    }

    async fn load(&self, (): &(), groups: &[Marks], _: &[MarkEntry]) -> Result<Vec<Total>, StoreError> {
        let read = async |group: &Marks| Ok(self.0.read(group.key).await?.unwrap_or_default());
        try_join_all(groups.iter().map(read)).await
    }

    /// A mark that comes again stands at a place that is in the total already.
    fn fold(
        &self,
        groups: Vec<Marks>,
        loaded: Vec<Total>,
        entries: &mut [MarkEntry],
        _again: bool,
    ) -> Result<Vec<(CounterId, Total)>, FoldStop> {
        let fold = |(group, mut sum): (Marks, Total)| {
            for (place, mark) in group.records {
                let entry = &mut entries[place];
                if !entry.position.is_folded(sum.folded_to) {
                    let folded_to = Some(entry.position.write_timestamp());
                    sum = Total { total: sum.total + i64::from(mark.add), marks: sum.marks + 1, folded_to };
                    entry.fate = Some(Fate::Stored);
                }
            }
            (group.key, sum)
        };
        Ok(groups.into_iter().zip(loaded).map(fold).collect())
    }

    fn key_of(change: &(CounterId, Total)) -> CounterId {
        change.0
    }

    async fn save(&self, changes: Arc<Vec<(CounterId, Total)>>, _seen: StoreSeen) -> Result<(), StoreError> {
        for (counter, total) in changes.iter() {
            self.0.save(*counter, *total).await?;
        }
        Ok(())
    }

    async fn starts(&self) -> Result<u64, StoreError> {
        self.0.starts().await
    }
}
