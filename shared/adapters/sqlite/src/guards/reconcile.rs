//! Comparison at start: do the files of a folder belong together? The store's accounts say how far the log was read and how
//! many dead letters were written; the log's committed offsets say what the store must have.
//!
//! A store that lost its end is repaired: the group reads from the log again what the store lacks. Everything else that does
//! not fit is refused.

use tidegate_kernel::Partition;
use tidegate_ports::{Account, Accounts, LogError, StoreError};

use crate::dead_letters::EmbeddedDeadLetters;
use crate::folder::{DEAD_LETTERS, LOG, OwnedFolder, STORE};
use crate::log::{EmbeddedLog, GroupProgress};

/// Why the files of a folder cannot be used together.
#[derive(Debug, thiserror::Error)]
pub enum ReconcileError {
    #[error(
        "log.db has lost its end: store.db has taken in partition {partition} up to offset {settled} and the log ends at \
         {end}; restore the data folder from a backup"
    )]
    LogShort { partition: Partition, settled: i64, end: i64 },
    #[error(
        "store.db has lost its end: it has taken in partition {partition} up to offset {settled} only, and log.db has \
         let go of what came before {first}; restore the data folder from a backup"
    )]
    Gone { partition: Partition, settled: i64, first: i64 },
    #[error(
        "dead_letters.db has lost its end: {counted} dead letters were appended and it holds {found}; restore the data folder \
         from a backup"
    )]
    DeadLettersShort { counted: u64, found: u64 },
    #[error("{file} is damaged ({cause}); restore the data folder from a backup")]
    Damaged { file: &'static str, cause: String },
    #[error("{file} cannot be used: {cause}")]
    Unusable { file: &'static str, cause: String },
}

fn of_log(file: &'static str) -> impl Fn(LogError) -> ReconcileError {
    move |error| match error {
        LogError::Broken(cause) => ReconcileError::Damaged { file, cause: cause.to_string() },
        LogError::Unavailable(cause) => ReconcileError::Unusable { file, cause: cause.to_string() },
    }
}

fn of_store(error: StoreError) -> ReconcileError {
    let file = STORE.file_name;
    match error {
        StoreError::Broken(cause) | StoreError::Refused(cause) => {
            ReconcileError::Damaged { file, cause: cause.to_string() }
        }
        StoreError::Unavailable(cause) => ReconcileError::Unusable { file, cause: cause.to_string() },
    }
}

/// Compares the files of a folder of commands, which has no dead letters; otherwise as [`reconcile`].
///
/// # Errors
/// [`ReconcileError`].
pub async fn reconcile_commands(
    folder: &OwnedFolder,
    log: &EmbeddedLog,
    group: &str,
    store: &dyn Accounts,
) -> Result<(), ReconcileError> {
    refusing(folder, compare(log, group, store).await)
}

/// Compares the files, lets the group read again what the store lacks, and checks the checksum of every record that the store
/// has not taken in yet. To be called before the group consumes. Files that are refused stay as they are when they are closed.
///
/// # Errors
/// [`ReconcileError`].
pub async fn reconcile(
    folder: &OwnedFolder,
    log: &EmbeddedLog,
    group: &str,
    store: &dyn Accounts,
    dead_letters: &EmbeddedDeadLetters,
) -> Result<(), ReconcileError> {
    let compared = match count_dead_letters(store, dead_letters).await {
        Ok(()) => compare(log, group, store).await,
        refused => refused,
    };
    refusing(folder, compared)
}

/// Files that are refused stay as they are when they are closed.
fn refusing(folder: &OwnedFolder, compared: Result<(), ReconcileError>) -> Result<(), ReconcileError> {
    compared.inspect_err(|_| folder.refused().set())
}

async fn count_dead_letters(store: &dyn Accounts, dead_letters: &EmbeddedDeadLetters) -> Result<(), ReconcileError> {
    let counted = store.accounts().await.map_err(of_store)?.iter().map(|account| account.dead).sum();
    let found = dead_letters.count().await.map_err(of_log(DEAD_LETTERS.file_name))?;
    if found < counted { Err(ReconcileError::DeadLettersShort { counted, found }) } else { Ok(()) }
}

async fn compare(log: &EmbeddedLog, group: &str, store: &dyn Accounts) -> Result<(), ReconcileError> {
    let accounts = store.accounts().await.map_err(of_store)?;
    let mut rewinds = Vec::new();
    for (partition, progress) in (0..).zip(log.progress(group)) {
        let account = accounts.iter().find(|account| account.partition == partition);
        let from = read_from(partition, progress, account)?;
        log.check(partition, from, progress.end).await.map_err(of_log(LOG.file_name))?;
        if from < progress.committed {
            rewinds.push((partition, from, progress.committed - from));
        }
    }
    for (partition, from, records) in rewinds {
        tracing::warn!(partition, records, "store.db has lost its end: what it lacks is read from the log again");
        log.rewind(group, partition, from).await.map_err(of_log(LOG.file_name))?;
    }
    Ok(())
}

/// The offset at which the group continues. An account is settled before the offset behind it is committed
/// (docs/adr/0010), so where the committed offset is beyond the account, the store has lost something.
fn read_from(partition: Partition, progress: GroupProgress, account: Option<&Account>) -> Result<i64, ReconcileError> {
    let GroupProgress { first, end, committed } = progress;
    let settled = match account {
        Some(account) => account.next_offset,
        // Nothing was settled yet, or the account is lost: from offset 0, if that is still there.
        None if first == 0 => 0,
        None => return Ok(committed),
    };
    if settled > end {
        return Err(ReconcileError::LogShort { partition, settled, end });
    }
    if committed <= settled {
        return Ok(committed);
    }
    if settled < first { Err(ReconcileError::Gone { partition, settled, first }) } else { Ok(settled) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_group_goes_on_where_the_store_ends_if_the_log_still_has_it() {
        let at = |first, end, committed| GroupProgress { first, end, committed };
        let account = |next_offset| Account { next_offset, ..Account::opened(1, 3, 0) };
        for (progress, settled, from) in [
            // In order: nothing yet, all done, and settled without a commit.
            (at(0, 0, 0), None, 0),
            (at(0, 9, 0), None, 0),
            (at(0, 9, 9), Some(9), 9),
            (at(4, 9, 5), Some(9), 5),
            // The store has lost its end, or all.
            (at(0, 9, 9), Some(7), 7),
            (at(7, 9, 8), Some(7), 7),
            (at(0, 9, 9), None, 0),
            // No account, and the beginning is gone: it cannot be known.
            (at(1, 9, 8), None, 8),
        ] {
            let account = settled.map(account);
            assert_eq!(read_from(3, progress, account.as_ref()).expect("healed"), from, "{progress:?} {settled:?}");
        }
        let refused = |progress, settled: Option<i64>| {
            read_from(3, progress, settled.map(account).as_ref()).expect_err("refused").to_string()
        };
        let told = refused(at(0, 9, 9), Some(10));
        assert!(told.contains("log.db has lost its end") && told.contains("partition 3 up to offset 10"), "{told}");
        let told = refused(at(8, 9, 9), Some(7));
        assert!(told.contains("store.db has lost its end") && told.contains("before 8"), "{told}");
    }
}
