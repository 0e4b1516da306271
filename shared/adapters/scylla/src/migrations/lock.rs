//! The migration lock: a row that one process takes by a conditional write, and that expires if the process dies.

use std::time::{Duration, Instant};

use scylla::client::session::Session;
use tidegate_ports::{Ids, RandomIds};

use super::{MigrationError, ddl};
use crate::failure::unreadable;

/// Seconds until the lock expires. Longer than one statement takes, since it is renewed before each.
const LAPSES_AFTER_S: u32 = 60;
const PATIENCE: Duration = Duration::from_secs(90);
const PAUSE: Duration = Duration::from_millis(250);

/// The lock, held until it is released or expires.
pub(super) struct Lock<'s> {
    session: &'s Session,
    keyspace: &'s str,
    holder: String,
}

/// Waits until no other process holds the lock, and takes it.
pub(super) async fn take<'s>(session: &'s Session, keyspace: &'s str) -> Result<Lock<'s>, MigrationError> {
    let holder = RandomIds.random().iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let text = format!(
        "INSERT INTO {keyspace}.schema_lock (lane, holder) VALUES (0, ?) IF NOT EXISTS USING TTL {LAPSES_AFTER_S}"
    );
    let began = Instant::now();
    loop {
        let answer = ddl::rows(session, &text, (&holder,)).await?;
        if was_applied(&answer)? {
            return Ok(Lock { session, keyspace, holder });
        }
        if began.elapsed() > PATIENCE {
            return Err(MigrationError::Locked { keyspace: keyspace.to_owned() });
        }
        tokio::time::sleep(PAUSE).await;
    }
}

impl Lock<'_> {
    /// Extends the lock.
    pub async fn renew(&self) -> Result<(), MigrationError> {
        let text = format!(
            "UPDATE {}.schema_lock USING TTL {LAPSES_AFTER_S} SET holder = ? WHERE lane = 0 IF holder = ?",
            self.keyspace
        );
        let answer = ddl::rows(self.session, &text, (&self.holder, &self.holder)).await?;
        let lost = || MigrationError::Locked { keyspace: self.keyspace.to_owned() };
        if was_applied(&answer)? { Ok(()) } else { Err(lost()) }
    }

    pub async fn release(self) -> Result<(), MigrationError> {
        let text = format!("DELETE FROM {}.schema_lock WHERE lane = 0 IF holder = ?", self.keyspace);
        ddl::rows(self.session, &text, (&self.holder,)).await?;
        Ok(())
    }
}

/// Whether a conditional write was applied: the first column of its result.
fn was_applied(answer: &scylla::response::query_result::QueryRowsResult) -> Result<bool, MigrationError> {
    use scylla::value::{CqlValue, Row};
    let row: Row = answer.first_row().map_err(|error| unreadable("schema_lock", error))?;
    Ok(matches!(row.columns.first(), Some(Some(CqlValue::Boolean(true)))))
}
