//! What the persister does in the background: it purges orphans, forgets notes, and deletes old rows of the feed.

use std::sync::Arc;
use std::time::Duration;

use tidegate_agentping_ports::{NotedAccounts, PulseFeed, Runs};
use tidegate_consumer::{Job, JobError};
use tidegate_kernel::Timestamp;
use tidegate_ports::{Clock, ReadLag};

use crate::feed::purge_feed;
use crate::metrics::ORPHANS_PURGED;
use crate::notes::forget_notes;
use crate::orphans::purge_orphans;

const PAUSE: Duration = Duration::from_secs(300);

/// Purges the orphans of a store, by how far the records on the log are applied.
pub fn orphan_purge(runs: Arc<dyn Runs>, lag: Arc<dyn ReadLag>, clock: Arc<dyn Clock>) -> Job {
    // Made before anything is counted, so that a scrape finds it at zero.
    let orphans = ORPHANS_PURGED.handle();
    Job::new("orphan_purge", PAUSE, move || {
        let (runs, lag, now, orphans) = (runs.clone(), lag.clone(), clock.now(), orphans.clone());
        async move {
            let purged = purge_applied(&*runs, &*lag, now).await?;
            if purged > 0 {
                tracing::info!(purged, "purged runs that were never opened");
                orphans.increment(purged as u64);
            }
            Ok(())
        }
    })
}

/// Deletes expired notes.
pub fn note_expiry(accounts: Arc<dyn NotedAccounts>, clock: Arc<dyn Clock>) -> Job {
    Job::new("forget_notes", PAUSE, move || {
        let (accounts, now) = (accounts.clone(), clock.now());
        async move {
            let forgotten = forget_notes(&*accounts, now).await?;
            if forgotten > 0 {
                tracing::info!(forgotten, "deleted expired notes of records");
            }
            Ok(())
        }
    })
}

/// Deletes the rows of the feed that are older than it keeps them.
pub fn feed_expiry(feed: Arc<dyn PulseFeed>, clock: Arc<dyn Clock>) -> Job {
    Job::new("purge_feed", PAUSE, move || {
        let (feed, now) = (feed.clone(), clock.now());
        async move {
            let purged = purge_feed(&*feed, now).await?;
            if purged > 0 {
                tracing::info!(purged, "deleted old rows of the pulse feed");
            }
            Ok(())
        }
    })
}

/// The opening that a run waits for may still wait on the log: what counts is the time up to which all is applied.
async fn purge_applied(runs: &dyn Runs, lag: &dyn ReadLag, now: Timestamp) -> Result<usize, JobError> {
    let reading = lag.read().await?;
    let applied_up_to = reading.oldest_appended_at.map_or(now, |oldest| oldest.min(now));
    Ok(purge_orphans(runs, applied_up_to).await?)
}
