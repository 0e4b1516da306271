//! Partitions that have records to commit and commit none.

use std::time::Duration;

use tidegate_kernel::Partition;
use tidegate_lifecycle::{Health, Stop};
use tokio::sync::watch;
use tokio::time::Instant;

/// A partition with records to commit that commits none for so long makes its process not ready.
const STALLED_AFTER: Duration = Duration::from_secs(60);

/// A partition that has records to commit and commits none, while it is not halted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stalled {
    pub partition: Partition,
    pub since: Duration,
}

/// Since when one partition commits nothing.
#[derive(Clone, Copy, Debug)]
pub(crate) struct StallTimer {
    /// What was committed when it last moved, and when that was seen.
    committed_to: Option<i64>,
    moved_at: Instant,
}

impl StallTimer {
    pub fn new(now: Instant) -> Self {
        StallTimer { committed_to: None, moved_at: now }
    }

    /// For how long nothing was committed though something waits for it.
    pub fn stalled_for(&mut self, waits: bool, committed_to: Option<i64>, now: Instant) -> Duration {
        if !waits || self.committed_to != committed_to {
            *self = StallTimer { committed_to, moved_at: now };
        }
        now.saturating_duration_since(self.moved_at)
    }
}

/// Makes the process not ready while partitions stall for a minute or more; until stopped.
pub async fn watch_stalls(mut stalled: watch::Receiver<Vec<Stalled>>, health: Health, stop: Stop) {
    const PART: &str = "partitions";
    while !stop.is_stopping() {
        let reasons = reasons(&stalled.borrow_and_update());
        match reasons {
            Some(reasons) => health.wrong(PART, reasons),
            None => health.right(PART),
        }
        tokio::select! {
            changed = stalled.changed() => if changed.is_err() {
                return stop.clone().stopped().await;
            },
            () = stop.clone().stopped() => {}
        }
    }
}

/// `None`: no partition has stalled for long.
fn reasons(stalled: &[Stalled]) -> Option<String> {
    let long = stalled.iter().filter(|one| one.since >= STALLED_AFTER);
    let reasons: Vec<String> = long
        .map(|one| format!("partition {} has committed nothing for {} s", one.partition, one.since.as_secs()))
        .collect();
    (!reasons.is_empty()).then(|| reasons.join(", "))
}

#[cfg(test)]
mod tests {
    use tidegate_lifecycle::Parts;

    use super::*;

    #[tokio::test]
    async fn partitions_that_stall_for_long_are_a_reason_until_they_go_on() {
        let (sender, stalled) = watch::channel(Vec::new());
        let (health, parts) = (Health::default(), Parts::default());
        health.started();
        let judged = health.clone();
        let judging = parts.start("stall watch", |stop| watch_stalls(stalled, judged, stop));
        let says = |partition, seconds| Stalled { partition, since: Duration::from_secs(seconds) };
        let reads = async |reasons: &[&str]| {
            while health.readiness().reasons != reasons {
                tokio::task::yield_now().await;
            }
        };
        sender.send_replace(vec![says(3, 59), says(4, 60), says(9, 3_600)]);
        let reason =
            "partitions: partition 4 has committed nothing for 60 s, partition 9 has committed nothing for 3600 s";
        reads(&[reason]).await;
        sender.send_replace(vec![says(3, 2)]);
        reads(&[]).await;
        assert_eq!(judging.stop().await, Ok(()));
    }

    #[test]
    fn a_timer_starts_anew_with_each_commit_and_while_nothing_waits() {
        let began = Instant::now();
        let at = |seconds| began + Duration::from_secs(seconds);
        let mut timer = StallTimer::new(began);
        let mut after =
            |waits, committed_to, seconds| timer.stalled_for(waits, Some(committed_to), at(seconds)).as_secs();
        assert_eq!([after(true, 5, 1), after(true, 5, 4), after(true, 6, 5)], [0, 3, 0]);
        assert_eq!([after(true, 6, 9), after(false, 6, 10), after(true, 6, 12)], [4, 0, 2]);
    }
}
