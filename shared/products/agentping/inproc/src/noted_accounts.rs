//! Accounts with notes in memory.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use tidegate_agentping_ports::{Note, NotedAccounts};
use tidegate_inproc::accounts::MemoryAccounts;
use tidegate_kernel::{Partition, Position, Timestamp};
use tidegate_ports::{Account, Accounts, Halt, StoreError};

/// Accounts and notes, for as long as a clone of this lives.
#[derive(Clone, Debug, Default)]
pub struct MemoryNotedAccounts {
    accounts: MemoryAccounts,
    notes: Arc<Mutex<BTreeMap<Position, Note>>>,
}

impl MemoryNotedAccounts {
    /// A copy that goes its own way.
    #[must_use]
    pub fn copied(&self) -> Self {
        MemoryNotedAccounts { accounts: self.accounts.copied(), notes: Arc::new(Mutex::new(self.kept().clone())) }
    }

    /// Goes back to what a copy holds.
    pub fn go_back_to(&self, copy: &Self) {
        self.accounts.go_back_to(&copy.accounts);
        let notes = copy.kept().clone();
        *self.kept() = notes;
    }

    fn kept(&self) -> MutexGuard<'_, BTreeMap<Position, Note>> {
        // A map insert cannot leave a map half changed.
        self.notes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Accounts for MemoryNotedAccounts {
    async fn settle(&self, account: Account) -> Result<(), StoreError> {
        self.accounts.settle(account).await
    }

    async fn account(&self, generation: u16, partition: Partition) -> Result<Option<Account>, StoreError> {
        self.accounts.account(generation, partition).await
    }

    async fn accounts(&self) -> Result<Vec<Account>, StoreError> {
        self.accounts.accounts().await
    }

    async fn halt(&self, halt: Halt) -> Result<(), StoreError> {
        self.accounts.halt(halt).await
    }

    async fn halts(&self) -> Result<Vec<Halt>, StoreError> {
        self.accounts.halts().await
    }
}

#[async_trait]
impl NotedAccounts for MemoryNotedAccounts {
    async fn note(&self, notes: Arc<Vec<Note>>) -> Result<(), StoreError> {
        let mut kept = self.kept();
        for note in notes.iter() {
            kept.entry(note.position).or_insert(*note);
        }
        Ok(())
    }

    async fn notes(&self, positions: &[Position]) -> Result<Vec<Option<Note>>, StoreError> {
        let kept = self.kept();
        Ok(positions.iter().map(|position| kept.get(position).copied()).collect())
    }

    async fn forget_notes(&self, before: Timestamp, limit: usize) -> Result<usize, StoreError> {
        let mut kept = self.kept();
        let old = kept.values().filter(|note| note.appended_at < before);
        let doomed: Vec<Position> = old.take(limit).map(|note| note.position).collect();
        for position in &doomed {
            kept.remove(position);
        }
        Ok(doomed.len())
    }
}
