//! Accounts in memory.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use tidegate_kernel::Partition;
use tidegate_ports::{Account, Accounts, Halt, StoreError};

/// Accounts in memory. Clones share them.
#[derive(Clone, Debug, Default)]
pub struct MemoryAccounts(Arc<Mutex<Kept>>);

#[derive(Clone, Debug, Default)]
struct Kept {
    accounts: BTreeMap<(u16, Partition), Account>,
    halts: BTreeMap<(u16, Partition), Halt>,
}

impl MemoryAccounts {
    /// An independent copy.
    #[must_use]
    pub fn copied(&self) -> Self {
        MemoryAccounts(Arc::new(Mutex::new(self.kept().clone())))
    }

    /// Resets the accounts to those of a copy.
    pub fn go_back_to(&self, copy: &Self) {
        let kept = copy.kept().clone();
        *self.kept() = kept;
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        // A map insert cannot leave a map half changed.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Accounts for MemoryAccounts {
    async fn settle(&self, account: Account) -> Result<(), StoreError> {
        let mut kept = self.kept();
        let known = kept.accounts.entry((account.generation, account.partition)).or_insert(account);
        if account.next_offset > known.next_offset {
            *known = account;
        }
        Ok(())
    }

    async fn account(&self, generation: u16, partition: Partition) -> Result<Option<Account>, StoreError> {
        Ok(self.kept().accounts.get(&(generation, partition)).copied())
    }

    async fn accounts(&self) -> Result<Vec<Account>, StoreError> {
        Ok(self.kept().accounts.values().copied().collect())
    }

    async fn halt(&self, halt: Halt) -> Result<(), StoreError> {
        let mut kept = self.kept();
        let known = kept.halts.entry((halt.generation, halt.partition)).or_insert(halt);
        known.offset = known.offset.max(halt.offset);
        Ok(())
    }

    async fn halts(&self) -> Result<Vec<Halt>, StoreError> {
        Ok(self.kept().halts.values().copied().collect())
    }
}
