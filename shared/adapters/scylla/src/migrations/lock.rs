//! One applier at a time: a row that the first one takes by a conditional write, and that lapses if it dies.

use std::time::{Duration, Instant};

use scylla::client::session::Session;
use tidegate_ports::{Ids, RandomIds};

use super::{MigrationError, ddl};
use crate::failure::unreadable;

/// Longer than one statement takes, since it is renewed before each; a holder that died is waited for no longer.
const LAPSES_AFTER_S: u32 = 60;
const PATIENCE: Duration = Duration::from_secs(90);
const PAUSE: Duration = Duration::from_millis(250);

/// Held until released, or until it lapses.
pub(super) struct Lock<'s> {
    session: &'s Session,
    keyspace: &'s str,
    holder: String,
}

/// Waits until nobody else holds it.
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
    /// Puts its lapse off.
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

/// The first column of a conditional write's answer is `[applied]`.
fn was_applied(answer: &scylla::response::query_result::QueryRowsResult) -> Result<bool, MigrationError> {
    use scylla::value::{CqlValue, Row};
    let row: Row = answer.first_row().map_err(|error| unreadable("schema_lock", error))?;
    Ok(matches!(row.columns.first(), Some(Some(CqlValue::Boolean(true)))))
}
