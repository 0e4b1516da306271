//! Deletes what expired in the store of a data folder: facts of clients after thirty days, deliveries, removed rows.

use std::sync::Arc;
use std::time::Duration;

use tidegate_consumer::Job;
use tidegate_ports::Clock;
use tidegate_sqlite::{EmbeddedCommandStore, Expired};

const EVERY: Duration = Duration::from_secs(600);
/// Rows of one kind deleted at a time, so that decisions are not delayed.
const STEP: usize = 500;

pub fn expiry(store: EmbeddedCommandStore, clock: Arc<dyn Clock>) -> Job {
    Job::new("command_expiry", EVERY, move || {
        let (store, clock) = (store.clone(), clock.clone());
        async move {
            loop {
                let Expired { facts, deliveries, removed_rows } = store.delete_expired(clock.now(), STEP).await?;
                if facts.max(deliveries).max(removed_rows) < STEP {
                    return Ok(());
                }
                tokio::task::yield_now().await;
            }
        }
    })
}
