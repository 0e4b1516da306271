//! The accounts port: what became of every record of the log, as absolute sums for each partition.

use async_trait::async_trait;
use tidegate_kernel::Partition;

use crate::StoreError;

/// Keeps accounts. An account is there before the log may forget what it counts: what a batch changes is saved, then its
/// account is settled, then its offsets are committed.
#[async_trait]
pub trait Accounts: Send + Sync + 'static {
    /// Keeps an account, unless the one kept for its partition reaches as far or further. Returns once it is safe, and
    /// all that was saved before it: offsets are committed by it.
    ///
    /// # Errors
    /// [`StoreError`]; settling again is right.
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

    /// States that nothing of a partition is applied from an offset on. Stating the same again changes nothing; of several
    /// for one partition the one at the greatest offset is kept. Nobody takes it back: it is over once the partition's
    /// account goes beyond that offset ([`Halt::is_in_force`]).
    ///
    /// # Errors
    /// [`StoreError`]; stating it again is right.
    async fn halt(&self, halt: Halt) -> Result<(), StoreError>;

    /// Every halt that was ever stated, by generation, then partition, in force or not.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn halts(&self) -> Result<Vec<Halt>, StoreError>;
}

/// How a record ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Fate {
    /// Something of it was new.
    Stored,
    /// All of it was there before.
    Duplicate,
    /// It contradicted what was stored, and lost.
    Conflict,
    /// It could not be applied and is among the dead letters.
    Dead,
}

impl Fate {
    pub const ALL: [Fate; 4] = [Fate::Stored, Fate::Duplicate, Fate::Conflict, Fate::Dead];

    /// As stores keep it.
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

/// What became of the records `[from_offset, next_offset)` of a partition, each counted once, however often it was
/// delivered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Account {
    pub generation: u16,
    pub partition: Partition,
    /// The first record that was ever accounted for.
    pub from_offset: i64,
    pub next_offset: i64,
    pub stored: u64,
    pub duplicate: u64,
    pub conflict: u64,
    pub dead: u64,
    /// How far what is counted is safe; `None` where nothing that a store acknowledged can be lost.
    pub checkpoint: Option<Checkpoint>,
}

/// What cannot be lost any more, even if the store goes back to what it last synced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    /// As [`Runs::starts`](crate::Runs::starts) said it. If that says otherwise, records from `offset` on are read again.
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

    /// Counts the record at `offset`, unless it is counted already. Offsets come in growing order; one that is passed
    /// over stays missing in [`Account::missing`].
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

    /// Records whose fate is known.
    pub const fn settled(&self) -> u64 {
        self.stored + self.duplicate + self.conflict + self.dead
    }

    /// Records between the first and the last that nobody accounted for: 0, or something is wrong.
    pub const fn missing(&self) -> i64 {
        (self.next_offset - self.from_offset) - self.settled() as i64
    }
}

/// A persister's statement that it applies nothing of a partition from an offset on, until it is mended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Halt {
    pub generation: u16,
    pub partition: Partition,
    /// The first record that is not applied.
    pub offset: i64,
}

impl Halt {
    /// Whether it still holds where the records below `next_offset` are applied.
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
