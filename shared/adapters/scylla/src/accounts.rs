//! How every record ended: an account for each partition of the log, and halts. The same tables in every keyspace.
//!
//! An account is one cell. Its write timestamp is its end offset, so that a shorter account never replaces a longer
//! one; a halt likewise.

use async_trait::async_trait;
use scylla::response::PagingState;
use serde::{Deserialize, Serialize};
use tidegate_kernel::{Partition, Position};
use tidegate_ports::{Account, Accounts, Checkpoint, Halt, StoreError};

use crate::failure::unreadable;
use crate::session::Cql;
use crate::statement::statements;

statements! {
    /// The statements of the tables of accounts.
    AccountStatements;

    account: "SELECT account FROM accounts WHERE generation = ? AND log_partition = ?";
    accounts: "SELECT generation, log_partition, account FROM accounts";
    save_account: "INSERT INTO accounts (generation, log_partition, next_offset, account) VALUES (?, ?, ?, ?) \
                   USING TIMESTAMP ?";
    halts: "SELECT generation, log_partition, log_offset FROM halts";
    save_halt: "INSERT INTO halts (generation, log_partition, log_offset) VALUES (?, ?, ?) USING TIMESTAMP ?";
}

const ACCOUNTS_PER_PAGE: i32 = 1_000;

/// An account's cell.
#[derive(Serialize, Deserialize)]
struct Sums {
    from_offset: i64,
    next_offset: i64,
    stored: u64,
    duplicate: u64,
    conflict: u64,
    dead: u64,
    /// Absent in accounts from before there were checkpoints.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    safe: Option<Safe>,
}

/// A checkpoint within an account's cell.
#[derive(Serialize, Deserialize)]
struct Safe {
    starts: u64,
    offset: i64,
}

#[async_trait]
impl<S: AsRef<AccountStatements> + Send + Sync + 'static> Accounts for Cql<S> {
    async fn settle(&self, account: Account) -> Result<(), StoreError> {
        let Account { generation, partition, from_offset, next_offset, stored, duplicate, conflict, dead, checkpoint } =
            account;
        let safe = checkpoint.map(|Checkpoint { starts, offset }| Safe { starts, offset });
        let sums = serde_json::to_string(&Sums { from_offset, next_offset, stored, duplicate, conflict, dead, safe })
            .map_err(|error| unreadable("an account", error))?;
        let reached = Position { generation, partition, offset: next_offset }.write_timestamp();
        let values = (i32::from(generation), partition.cast_signed(), next_offset, sums, reached);
        self.write(&self.account_statements().save_account, values).await
    }

    async fn account(&self, generation: u16, partition: Partition) -> Result<Option<Account>, StoreError> {
        let values = (i32::from(generation), partition.cast_signed());
        let found = self.run(&self.account_statements().account, values).await?;
        let row = found.rows.maybe_first_row::<(&str,)>().map_err(|error| unreadable("an account", error))?;
        row.map(|(sums,)| account_of(generation, partition, sums)).transpose()
    }

    async fn accounts(&self) -> Result<Vec<Account>, StoreError> {
        let mut accounts = Vec::new();
        let mut from = Some(PagingState::start());
        while let Some(state) = from {
            let statement = &self.account_statements().accounts;
            let page = self.page(statement, (), Some(ACCOUNTS_PER_PAGE), state).await?;
            for row in page.rows.rows::<(i32, i32, &str)>().map_err(|error| unreadable("accounts", error))? {
                let (generation, partition, sums) = row.map_err(|error| unreadable("accounts", error))?;
                let generation = u16::try_from(generation).map_err(|error| unreadable("accounts", error))?;
                accounts.push(account_of(generation, partition.cast_unsigned(), sums)?);
            }
            from = page.next;
        }
        accounts.sort_by_key(|account| (account.generation, account.partition));
        Ok(accounts)
    }

    async fn halt(&self, halt: Halt) -> Result<(), StoreError> {
        let Halt { generation, partition, offset } = halt;
        let at = Position { generation, partition, offset }.write_timestamp();
        let values = (i32::from(generation), partition.cast_signed(), offset, at);
        self.write(&self.account_statements().save_halt, values).await
    }

    async fn halts(&self) -> Result<Vec<Halt>, StoreError> {
        let mut halts = Vec::new();
        let mut from = Some(PagingState::start());
        while let Some(state) = from {
            let page = self.page(&self.account_statements().halts, (), Some(ACCOUNTS_PER_PAGE), state).await?;
            // A row without its cell was deleted by hand.
            for row in page.rows.rows::<(i32, i32, Option<i64>)>().map_err(|error| unreadable("halts", error))? {
                let (generation, partition, offset) = row.map_err(|error| unreadable("halts", error))?;
                let generation = u16::try_from(generation).map_err(|error| unreadable("halts", error))?;
                let halt = |offset| Halt { generation, partition: partition.cast_unsigned(), offset };
                halts.extend(offset.map(halt));
            }
            from = page.next;
        }
        halts.sort_by_key(|halt| (halt.generation, halt.partition));
        Ok(halts)
    }
}

impl<S: AsRef<AccountStatements>> Cql<S> {
    fn account_statements(&self) -> &AccountStatements {
        self.statements().as_ref()
    }
}

fn account_of(generation: u16, partition: Partition, sums: &str) -> Result<Account, StoreError> {
    let sums: Result<Sums, _> = serde_json::from_str(sums);
    let Sums { from_offset, next_offset, stored, duplicate, conflict, dead, safe } =
        sums.map_err(|error| unreadable(&format!("the account of partition {partition}"), error))?;
    let checkpoint = safe.map(|Safe { starts, offset }| Checkpoint { starts, offset });
    Ok(Account { generation, partition, from_offset, next_offset, stored, duplicate, conflict, dead, checkpoint })
}
