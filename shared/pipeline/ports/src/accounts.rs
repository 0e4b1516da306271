//! The accounts port: how every record of the log ended, as absolute sums per partition.

use async_trait::async_trait;
use tidegate_kernel::Partition;

use crate::StoreError;

/// Stores accounts. An account is durable before the log may delete the records that it counts: a batch's changes are
/// saved, then its account is settled, then its offsets are committed.
#[async_trait]
pub trait Accounts: Send + Sync + 'static {
    /// Stores an account, unless the stored one of its partition reaches as far or further. Returns once the account
    /// and everything saved before it are durable, since offsets are committed next.
    ///
    /// # Errors
    /// [`StoreError`]; settle again.
    async fn settle(&self, account: Account) -> Result<(), StoreError>;

    /// The account of one partition; `None` before the first record of it was settled.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn account(&self, generation: u16, partition: Partition) -> Result<Option<Account>, StoreError>;

    /// Every account there is, by generation, then partition.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn accounts(&self) -> Result<Vec<Account>, StoreError>;

    /// Records that nothing of a partition is applied from an offset on. The same halt again changes nothing; of
    /// several for one partition the one at the greatest offset is kept. A halt is never deleted: it ends once the
    /// partition's account passes that offset ([`Halt::is_in_force`]).
    ///
    /// # Errors
    /// [`StoreError`]; record it again.
    async fn halt(&self, halt: Halt) -> Result<(), StoreError>;

    /// Every halt ever recorded, by generation, then partition, in force or not.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn halts(&self) -> Result<Vec<Halt>, StoreError>;
}

/// How a record ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Fate {
    /// Part of the record was new.
    Stored,
    /// The whole record was stored before.
    Duplicate,
    /// The record contradicted the stored state and was not applied.
    Conflict,
    /// The record could not be applied and is a dead letter, or it is void.
    Dead,
}

impl Fate {
    pub const ALL: [Fate; 4] = [Fate::Stored, Fate::Duplicate, Fate::Conflict, Fate::Dead];

    /// The name that stores keep.
    pub const fn name(self) -> &'static str {
        match self {
            Fate::Stored => "stored",
            Fate::Duplicate => "duplicate",
            Fate::Conflict => "conflict",
            Fate::Dead => "dead",
        }
    }

    /// The inverse of [`Fate::name`].
    pub fn named(name: &str) -> Option<Fate> {
        Fate::ALL.into_iter().find(|fate| fate.name() == name)
    }
}

/// Counts of how the records `[from_offset, next_offset)` of a partition ended, each counted once however often it was
/// delivered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Account {
    pub generation: u16,
    pub partition: Partition,
    /// The offset of the first record that was counted.
    pub from_offset: i64,
    pub next_offset: i64,
    pub stored: u64,
    pub duplicate: u64,
    pub conflict: u64,
    pub dead: u64,
    /// Up to which offset the stored state is durable; `None` for a store that never loses an acknowledged write.
    pub checkpoint: Option<Checkpoint>,
}

/// The offset below which nothing can be lost, even if the store returns to its last synced state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    /// The store's count of starts when the account was settled. If it differs later, records from `offset` on are read
    /// again.
    pub starts: u64,
    pub offset: i64,
}

impl Account {
    /// An account that begins with the record at `from_offset`.
    pub const fn opened(generation: u16, partition: Partition, from_offset: i64) -> Self {
        Account {
            generation,
            partition,
            from_offset,
            next_offset: from_offset,
            stored: 0,
            duplicate: 0,
            conflict: 0,
            dead: 0,
            checkpoint: None,
        }
    }

    /// Counts the record at `offset`, unless it is counted already. Offsets come in growing order; a skipped one stays
    /// in [`Account::missing`].
    pub const fn count(&mut self, offset: i64, fate: Fate) {
        if offset < self.next_offset {
            return;
        }
        self.next_offset = offset + 1;
        match fate {
            Fate::Stored => self.stored += 1,
            Fate::Duplicate => self.duplicate += 1,
            Fate::Conflict => self.conflict += 1,
            Fate::Dead => self.dead += 1,
        }
    }

    /// How many records are counted.
    pub const fn settled(&self) -> u64 {
        self.stored + self.duplicate + self.conflict + self.dead
    }

    /// How many records between the first and the last one are not counted. Anything but 0 is an error.
    pub const fn missing(&self) -> i64 {
        (self.next_offset - self.from_offset) - self.settled() as i64
    }
}

/// Says that a persister applies nothing of a partition from an offset on, until an operator has fixed the cause.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Halt {
    pub generation: u16,
    pub partition: Partition,
    /// The offset of the first record that is not applied.
    pub offset: i64,
}

impl Halt {
    /// Whether the halt is still in force when the records below `next_offset` are applied.
    pub const fn is_in_force(&self, next_offset: i64) -> bool {
        next_offset <= self.offset
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_offset_counts_once_and_a_gap_shows() {
        let mut account = Account::opened(1, 4, 10);
        assert_eq!((account.settled(), account.missing()), (0, 0));
        account.count(10, Fate::Stored);
        account.count(11, Fate::Duplicate);
        account.count(10, Fate::Duplicate);
        account.count(11, Fate::Stored);
        account.count(12, Fate::Conflict);
        assert_eq!((account.next_offset, account.settled(), account.missing()), (13, 3, 0));
        account.count(15, Fate::Dead);
        assert_eq!((account.stored, account.duplicate, account.conflict, account.dead), (1, 1, 1, 1));
        assert_eq!(account.missing(), 2);
    }
}
