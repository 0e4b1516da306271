//! Appends the commands that operators' processes put into the inbox of a data folder.

use std::sync::Arc;
use std::time::Duration;

use tidegate_lifecycle::Stop;
use tidegate_ports::{Append, AppendError};
use tidegate_sqlite::OperatorInbox;
use tokio::time::sleep;

use crate::failure::Failure;

/// How often the inbox is read: an operator waits for it.
const LOOK_EVERY: Duration = Duration::from_millis(100);
const AT_ONCE: usize = 100;

/// Appends what waits, in order, until stopped. A command stays in the inbox until the log has it.
pub async fn serve(inbox: OperatorInbox, append: Arc<dyn Append>, stop: Stop) {
    let mut failing = false;
    while !stop.is_stopping() {
        let appended = append_waiting(&inbox, &*append).await;
        if let Err(error) = &appended
            && !failing
        {
            tracing::warn!(%error, "commands of operators wait in the inbox; trying again");
        }
        failing = appended.is_err();
        tokio::select! {
            () = sleep(LOOK_EVERY) => {}
            () = stop.clone().stopped() => {}
        }
    }
}

/// Appends all that waits, in order. Returns how many commands that were.
///
/// # Errors
/// The inbox cannot be read, or the log did not take a command: it waits on.
pub async fn append_all(inbox: &OperatorInbox, append: &dyn Append) -> Result<usize, Failure> {
    let mut all = 0;
    loop {
        let appended = append_waiting(inbox, append).await?;
        all += appended;
        if appended < AT_ONCE {
            return Ok(all);
        }
    }
}

async fn append_waiting(inbox: &OperatorInbox, append: &dyn Append) -> Result<usize, Failure> {
    let waiting = inbox.waiting(AT_ONCE).await?;
    let count = waiting.len();
    for posted in waiting {
        match append.append(posted.key, posted.command).await {
            // A record of this size can never be appended. Who put it finds no outcome.
            Ok(_) | Err(AppendError::TooLarge { .. }) => {}
            Err(error) => return Err(error.into()),
        }
        inbox.remove(posted.number).await?;
    }
    Ok(count)
}
