//! The migration lock: a row that one process takes by a conditional write, and that expires if the process dies.

use std::time::{Duration, Instant};

use scylla::client::session::Session;
use tidegate_ports::{Ids, RandomIds};

use super::{MigrationError, ddl};
use crate::failure::unreadable;

/// Seconds until the lock expires. What is left of it before a statement is longer than a statement takes: a request, and
/// up to a minute until all nodes agree on the schema, which is how long the driver waits for that.
const LAPSES_AFTER_S: u32 = 120;
/// The age from which it is renewed before a statement. A renewal is a conditional write, four round trips of replicas.
const RENEWED_AFTER: Duration = Duration::from_secs(15);
const PATIENCE: Duration = Duration::from_secs(150);
const PAUSE: Duration = Duration::from_millis(250);

/// The lock, held until it is released or expires.
pub(super) struct Lock<'s> {
    session: &'s Session,
    keyspace: &'s str,
    holder: String,
    /// When it was taken or last renewed, by the client's clock before the request.
    held_since: Instant,
}

/// Waits until no other process holds the lock, and takes it.
pub(super) async fn take<'s>(session: &'s Session, keyspace: &'s str) -> Result<Lock<'s>, MigrationError> {
    let holder = RandomIds.random().iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let text = format!(
        "INSERT INTO {keyspace}.schema_lock (lane, holder) VALUES (0, ?) IF NOT EXISTS USING TTL {LAPSES_AFTER_S}"
    );
    let began = Instant::now();
    loop {
        let held_since = Instant::now();
        let answer = ddl::rows(session, &text, (&holder,)).await?;
        if was_applied(&answer)? {
            return Ok(Lock { session, keyspace, holder, held_since });
        }
        if began.elapsed() > PATIENCE {
            return Err(MigrationError::Locked { keyspace: keyspace.to_owned() });
        }
        tokio::time::sleep(PAUSE).await;
    }
}

impl Lock<'_> {
    /// Extends the lock if it has been held for a while.
    pub async fn renew(&mut self) -> Result<(), MigrationError> {
        let now = Instant::now();
        if now.duration_since(self.held_since) < RENEWED_AFTER {
            return Ok(());
        }
        let text = format!(
            "UPDATE {}.schema_lock USING TTL {LAPSES_AFTER_S} SET holder = ? WHERE lane = 0 IF holder = ?",
            self.keyspace
        );
        let answer = ddl::rows(self.session, &text, (&self.holder, &self.holder)).await?;
        let lost = || MigrationError::Locked { keyspace: self.keyspace.to_owned() };
        if !was_applied(&answer)? {
            return Err(lost());
        }
        self.held_since = now;
        Ok(())
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
