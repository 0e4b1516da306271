//! Appends the commands that operators' processes put into the inbox of a data folder.

use std::sync::Arc;
use std::time::Duration;

use tidegate_lifecycle::Stop;
use tidegate_ports::{Append, AppendError};
use tidegate_sqlite::OperatorInbox;
use tokio::time::sleep;

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
            tracing::warn!(error, "commands of operators wait in the inbox; trying again");
        }
        failing = appended.is_err();
        tokio::select! {
            () = sleep(LOOK_EVERY) => {}
            () = stop.clone().stopped() => {}
        }
    }
}

async fn append_waiting(inbox: &OperatorInbox, append: &dyn Append) -> Result<(), String> {
    for posted in inbox.waiting(AT_ONCE).await.map_err(|error| error.to_string())? {
        match append.append(posted.key, posted.command).await {
            // A record of this size can never be appended. Who put it finds no outcome.
            Ok(_) | Err(AppendError::TooLarge { .. }) => {}
            Err(error) => return Err(error.to_string()),
        }
        inbox.remove(posted.number).await.map_err(|error| error.to_string())?;
    }
    Ok(())
}
