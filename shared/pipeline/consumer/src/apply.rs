//! What a product does with the records of a partition.

use std::hash::Hash;
use std::sync::Arc;

use async_trait::async_trait;
use tidegate_kernel::command::Release;
use tidegate_kernel::{PartitionEpoch, Position};
use tidegate_ports::{DeadLetters, Fate, Releases, StoreError, Voids};

use crate::group::{Entry, Group, RecordFate};
use crate::store_seen::StoreSeen;

/// Applies the batches of a partition to a store. A [`Consumer`](crate::Consumer) calls it in this order: decode, load,
/// fold, record fates, save. It settles and commits afterwards.
///
/// A batch may come again after a crash, or from a second owner of the partition: each step must leave the same store
/// then.
#[async_trait]
pub trait Apply: Send + Sync + 'static {
    /// Whose state a record changes. All records of a key are in one partition.
    type Key: Copy + Eq + Hash + Send + Sync + 'static;
    /// A decoded record.
    type Record: Send + Sync + 'static;
    /// What is remembered from batch to batch of one assignment of a partition. It ends with the assignment.
    type Assignment: Send + Sync + 'static;
    /// What is stored of the keys of a batch.
    type Loaded: Send + 'static;
    /// One write of one key, which the store takes or refuses as a whole.
    type Change: Clone + Send + Sync + 'static;

    /// A partition was assigned to this consumer.
    fn assigned(&self, of: PartitionEpoch) -> Self::Assignment;

    /// # Errors
    /// Why the payload is no record that this release can apply: it is poison.
    fn decode(&self, payload: &[u8]) -> Result<Self::Record, String>;

    fn key(record: &Self::Record) -> Self::Key;

    /// What is stored of each group's key. Each record of a group comes with its index into `entries`.
    ///
    /// # Errors
    /// [`StoreError`]; the batch waits and is loaded again.
    async fn load(
        &self,
        assignment: &Self::Assignment,
        groups: &[Group<Self::Key, Self::Record>],
        entries: &[Entry<Self::Key>],
    ) -> Result<Self::Loaded, StoreError>;

    /// Folds each group's records onto what is loaded. Pure. Sets the fate of every record that was not folded before:
    /// each record of a group comes with its index into `entries`. `again`: the records are read again because the store
    /// may have lost what was derived from them.
    ///
    /// A panic counts as a [`FoldStop`] at an unknown record, and not for good.
    ///
    /// # Errors
    /// [`FoldStop`]: what comes before its record is folded again and saved, and the partition is halted there.
    fn fold(
        &self,
        groups: Vec<Group<Self::Key, Self::Record>>,
        loaded: Self::Loaded,
        entries: &mut [Entry<Self::Key>],
        again: bool,
    ) -> Result<Vec<Self::Change>, FoldStop>;

    fn key_of(change: &Self::Change) -> Self::Key;

    /// The fate of each record that was folded before, in the order asked, as it was recorded then; `None`: it was
    /// simply stored. Asked only for records that no account counts yet, and whose fate the fold did not know
    /// ([`Entry::fate_before`]).
    ///
    /// # Errors
    /// [`StoreError`]; it is asked again.
    async fn recorded_fates(&self, positions: &[Position]) -> Result<Vec<Option<Fate>>, StoreError> {
        Ok(vec![None; positions.len()])
    }

    /// Records the fates of records that were not simply stored, before the changes of their batch are saved.
    ///
    /// # Errors
    /// [`StoreError`]; recording again is right.
    async fn record_fates(&self, fates: &[RecordFate<Self::Key>]) -> Result<(), StoreError> {
        let _ = fates;
        Ok(())
    }

    /// Saves each change whole or not at all. Saving the same again changes nothing. The changes are shared, so that a
    /// retry costs no copy. `seen`: the store that they were folded from. It may go back at any time after that, also
    /// during the save. A change that says what else the store has is not saved then.
    ///
    /// # Errors
    /// [`StoreError`]; some of the changes may be stored. Only [`StoreError::Refused`] can end the tries.
    async fn save(&self, changes: Arc<Vec<Self::Change>>, seen: StoreSeen) -> Result<(), StoreError>;

    /// A number that changes when a server of the store has started again: what it acknowledged shortly before may be
    /// gone then. A store that never loses what it acknowledged always has the same number. Asked once with each batch,
    /// after it is loaded; [`save`](Apply::save) is given the answer.
    ///
    /// # Errors
    /// [`StoreError`]; it is asked again.
    async fn starts(&self) -> Result<u64, StoreError> {
        Ok(0)
    }

    /// The store may have lost what it acknowledged, and records are read again next: what the assignment remembers of
    /// the store holds no longer.
    fn forget(&self, assignment: &Self::Assignment) {
        let _ = assignment;
    }
}

/// A record that may not be skipped cannot be folded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FoldStop {
    /// Its index into the entries; `None`: one of the batch's records, and it is not known which.
    pub at: Option<usize>,
    /// No consumer of this release ever folds the record, whatever its batches are: that follows from the log alone.
    pub for_good: bool,
    pub reason: String,
}

/// What becomes of a record that cannot be decoded, or whose change the store refuses for good.
#[derive(Clone)]
pub enum Poison {
    /// It goes to the dead letters, and its partition continues, as far as the brake allows.
    DeadLetter(Arc<dyn DeadLetters>),
    /// Its partition is halted at this record, until the record is void. Void records are skipped, whether or not they
    /// can be decoded, and count as [`Fate::Dead`]. At one that is only asked to be void the partition waits.
    Halt(VoidPorts),
}

/// Which records are void, and who could apply them.
#[derive(Clone)]
pub struct VoidPorts {
    pub voids: Arc<dyn Voids>,
    pub releases: Arc<dyn Releases>,
    /// This release.
    pub release: Release,
}
