//! How each write gets into its tables.

use rusqlite::Connection;

use super::notes;
use super::save::{Pass, TeamNumbers};
use super::work::Work;
use crate::store_file::{Tables, accounts};

/// The tables of runs and of what follows from them.
#[derive(Default)]
pub(crate) struct RunTables {
    teams: TeamNumbers,
}

impl Tables for RunTables {
    type Work = Work;

    fn rows(work: &Work) -> usize {
        match work {
            Work::Runs(writes) => writes.len(),
            Work::Notes(notes) => notes.len(),
            Work::Account(_) | Work::Halt(_) => 1,
        }
    }

    fn is_synced(work: &Work) -> bool {
        matches!(work, Work::Account(_))
    }

    fn write(&mut self, transaction: &Connection, works: &[Work]) -> rusqlite::Result<u64> {
        let mut pass = Pass::begin(transaction, &mut self.teams)?;
        for work in works {
            match work {
                Work::Runs(writes) => writes.iter().try_for_each(|write| pass.save(write))?,
                Work::Notes(notes) => pass.bytes += notes::save_notes(transaction, notes)?,
                Work::Account(account) => accounts::save_account(transaction, account)?,
                Work::Halt(halt) => accounts::save_halt(transaction, halt)?,
            }
        }
        pass.finish()
    }

    /// The numbers that the transaction may have given out are gone.
    fn rolled_back(&mut self) {
        self.teams.clear();
    }
}
