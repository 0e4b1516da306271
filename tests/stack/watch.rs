//! Watches what a group has committed, from outside, while others join and leave it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tidegate_tests::stack::{Addresses, LogClient, Settings};
use tokio::task::JoinHandle;
use tokio::time::{MissedTickBehavior, interval};

const LOOK: Duration = Duration::from_millis(100);

/// A watch in progress.
pub struct Watch {
    log: LogClient,
    over: Arc<AtomicBool>,
    task: JoinHandle<usize>,
}

impl Watch {
    pub fn begin(settings: &Settings) -> Self {
        let log = LogClient::connect(&Addresses::found(), &settings.records_topic(), &settings.group());
        let over = Arc::new(AtomicBool::new(false));
        let task = tokio::spawn(watch(log.clone(), over.clone()));
        Watch { log, over, task }
    }

    /// Who watches.
    pub const fn log(&self) -> &LogClient {
        &self.log
    }

    /// Ends it; the number of readings.
    ///
    /// # Panics
    /// If an offset went back, or a partition's was forgotten.
    pub async fn end(self) -> usize {
        self.over.store(true, Ordering::SeqCst);
        self.task.await.expect("no committed offset went back")
    }
}

async fn watch(log: LogClient, over: Arc<AtomicBool>) -> usize {
    let mut ticks = interval(LOOK);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let (mut furthest, mut readings): (Vec<Option<i64>>, _) = (Vec::new(), 0);
    while !over.load(Ordering::SeqCst) {
        ticks.tick().await;
        // A coordinator that is busy with a change may not answer; the next look will be.
        let Ok(committed) = log.committed().await else { continue };
        furthest.resize(committed.len(), None);
        for (partition, (before, now)) in furthest.iter_mut().zip(&committed).enumerate() {
            assert!(*now >= *before, "partition {partition}: {before:?} was committed, and now it is {now:?}");
            *before = *now;
        }
        readings += 1;
    }
    readings
}
