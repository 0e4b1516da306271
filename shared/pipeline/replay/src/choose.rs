//! What a product says about its records: which are asked for, and how they are counted.

use async_trait::async_trait;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tidegate_kernel::Position;
use tidegate_ports::StoreError;

use crate::candidate::Replayable;
use crate::choice::{Asked, Reason};

/// Which of a product's records are asked for.
#[async_trait]
pub trait Choose: Send + Sync {
    type Record: Replayable;
    type Counts: CountFates<Self::Record>;

    /// What the filters say of a record.
    fn asks_for(&self, record: &Self::Record) -> Asked;

    /// Whether the record at this position was set aside for good: it is never appended again, also not where its position
    /// was named.
    fn is_set_aside(&self, _position: Position) -> bool {
        false
    }

    /// Whether [`Choose::learn`] has any effect. If so, a resumed replay reads again what it has done.
    fn learns(&self) -> bool {
        false
    }

    /// Takes in a record, in the order of the replay and before it is chosen from; the same record may come again.
    fn learn(&mut self, _record: &Self::Record) {}

    /// Whether records that [need a look-up](Asked::NeedsLookUp) are asked for, in their order; `None`: not known.
    ///
    /// # Errors
    /// [`StoreError`]; asking again is right.
    async fn look_up(&self, records: &[&Self::Record]) -> Result<Vec<Option<bool>>, StoreError> {
        Ok(vec![None; records.len()])
    }
}

/// What became of the records looked at, as a product counts it: each is appended or skipped. It is part of the
/// progress file, so that the report of a resumed replay is whole.
pub trait CountFates<R>: Clone + Default + Send + Serialize + DeserializeOwned {
    fn appended(&mut self, record: &R);

    fn passed_over(&mut self, reason: Reason, records: u64);

    /// Adds the counts of another part.
    fn add(&mut self, other: &Self);
}
