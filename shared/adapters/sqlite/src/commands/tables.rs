//! How each write gets into its table.

use rusqlite::Connection;

use super::work::Work;
use super::{books, deliveries, due, facts, views};
use crate::store_file::{Tables, accounts};

/// The tables of an API of commands.
pub(super) struct CommandTables;

impl Tables for CommandTables {
    type Work = Work;

    fn rows(work: &Work) -> usize {
        match work {
            Work::Views(writes) => writes.len(),
            Work::Due(writes) => writes.len(),
            Work::Deliveries(writes) => writes.len(),
            Work::Facts(facts) => facts.len(),
            Work::Books(writes) => writes.len(),
            Work::Progress { .. } | Work::Account(_) | Work::Halt(_) => 1,
        }
    }

    fn is_synced(work: &Work) -> bool {
        matches!(work, Work::Account(_))
    }

    fn write(&mut self, transaction: &Connection, works: &[Work]) -> rusqlite::Result<u64> {
        /// Of keys and the like, in addition to the documents.
        const ROW_BYTES: usize = 200;
        let mut bytes = 0;
        for work in works {
            bytes += Self::rows(work) * ROW_BYTES;
            bytes += match work {
                Work::Views(writes) => views::put(transaction, writes)?,
                Work::Due(writes) => due::put(transaction, writes)?,
                Work::Deliveries(writes) => deliveries::put(transaction, writes)?,
                Work::Facts(facts) => facts::add(transaction, facts)?,
                Work::Books(writes) => books::save(transaction, writes)?,
                Work::Progress { shard, id, progress } => deliveries::note(transaction, *shard, id, progress)?,
                Work::Account(account) => accounts::save_account(transaction, account).map(|()| 0)?,
                Work::Halt(halt) => accounts::save_halt(transaction, halt).map(|()| 0)?,
            };
        }
        Ok(bytes as u64)
    }
}
