//! The result of every record: an account for each partition of the log. The store's one writer writes them, so that one
//! sync covers an account and all that was written before it.

use async_trait::async_trait;
use tidegate_kernel::Partition;
use tidegate_ports::{Account, Accounts, Halt, StoreError};

use super::EmbeddedStore;
use super::work::Work;
use crate::store_file::accounts;

#[async_trait]
impl Accounts for EmbeddedStore {
    async fn settle(&self, account: Account) -> Result<(), StoreError> {
        self.file.write(Work::Account(account)).await
    }

    async fn account(&self, generation: u16, partition: Partition) -> Result<Option<Account>, StoreError> {
        self.file.queries.read(move |connection| accounts::account(connection, generation, partition)).await
    }

    async fn accounts(&self) -> Result<Vec<Account>, StoreError> {
        self.file.queries.read(accounts::accounts).await
    }

    async fn halt(&self, halt: Halt) -> Result<(), StoreError> {
        self.file.write(Work::Halt(halt)).await
    }

    async fn halts(&self) -> Result<Vec<Halt>, StoreError> {
        self.file.queries.read(accounts::halts).await
    }
}
