//! Kills, stops, outages, and a log that lost its first records.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;
use tidegate_inproc::log::MemoryLog;
use tidegate_kernel::{Position, Timestamp};
use tidegate_lifecycle::Stopper;
use tidegate_ports::{Again, AppendAgain, AppendError, Consumed, LogError, LogSpan, ReadLog};
use tokio::sync::Notify;

use super::rig::{Rig, chooser, everything, pace};
use crate::plan::{ReplayPlan, Stretch};
use crate::ports::ReplayPorts;
use crate::progress_file::{Progress, ProgressFile};
use crate::samples::{NOW, OfWord};
use crate::selection::{Selection, SelectionRange};
use crate::state::{Doing, Ended, ReplayState};
use crate::walk::Walk;

/// Appends until a number is reached; then the process is gone.
struct DiesAfter {
    log: MemoryLog,
    left: AtomicU64,
    killed: Notify,
}

#[async_trait]
impl AppendAgain for DiesAfter {
    async fn append_again(&self, again: Again) -> Result<Position, AppendError> {
        if self.left.load(Ordering::SeqCst) == 0 {
            self.killed.notify_one();
            std::future::pending::<()>().await;
        }
        self.left.fetch_sub(1, Ordering::SeqCst);
        self.log.append_again(again).await
    }
}

#[tokio::test(start_paused = true)]
async fn after_a_kill_anywhere_it_goes_on_and_every_record_is_appended() {
    for killed_after in 0..9 {
        let rig = Rig::filled().await;
        let selection = everything(OfWord(Some("a")));
        let dies =
            Arc::new(DiesAfter { log: rig.log.clone(), left: AtomicU64::new(killed_after), killed: Notify::new() });
        let ports = ReplayPorts { again: dies.clone(), ..rig.ports.clone() };
        // One record a chunk, so that there is an edge everywhere.
        tokio::select! {
            (ended, _) = rig.replay_by(&selection, &ports, pace(1)) => assert_eq!(ended, Ended::Whole),
            () = dies.killed.notified() => {}
        }
        // Live traffic meanwhile is not part of it.
        rig.append("4 a").await;
        let resumed = rig.path().exists();
        if resumed {
            let (ended, progress) = rig.replay(&selection).await;
            assert_eq!((ended, progress.counts.appended), (Ended::Whole, 6), "killed after {killed_after}");
        }
        assert_eq!(resumed, killed_after < 6);
        let mut positions: Vec<Position> = rig.again().iter().map(|(origin, _)| origin.position).collect();
        let appended = positions.len();
        positions.sort();
        positions.dedup();
        assert_eq!(
            (positions.len(), appended),
            (6, 6),
            "killed after {killed_after}: between chunks nothing is done twice"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_log_that_fails_is_tried_until_it_works_and_a_stop_ends_it_meanwhile() {
    let rig = Rig::filled().await;
    rig.log.fail_appends(Some(AppendError::NotPersisted("no brokers".into())));
    let (selection, (stopper, stop)) = (everything(OfWord::default()), Stopper::new());
    let file = rig.file(&selection);
    let plan = ReplayPlan::make(&selection, &rig.log, &rig.dead_letters).await.unwrap();
    let walk = Walk::new(&rig.ports, chooser(&selection), &file, Progress::new(&selection, plan, NOW), pace(1_000));
    let mut state = walk.state();
    let tries = async {
        let trying =
            |state: &ReplayState| matches!(&state.doing, Doing::Trying { why, .. } if why.contains("no brokers"));
        state.wait_for(trying).await.unwrap();
        stopper.stop();
    };
    let (ended, ()) = tokio::join!(walk.run(&stop), tries);
    assert_eq!(ended.unwrap().0, Ended::Stopped);
    assert!(rig.path().exists() && rig.again().is_empty());
    rig.log.fail_appends(None);
    let (ended, progress) = rig.replay(&selection).await;
    assert_eq!((ended, progress.counts.appended), (Ended::Whole, 9));
}

/// A log whose first records were deleted.
struct Trimmed(MemoryLog, i64);

#[async_trait]
impl ReadLog for Trimmed {
    async fn spans(&self) -> Result<Vec<LogSpan>, LogError> {
        self.0.spans().await
    }

    async fn offset_at(&self, partition: u32, at: Timestamp) -> Result<i64, LogError> {
        self.0.offset_at(partition, at).await
    }

    async fn read_range(
        &self,
        partition: u32,
        from: i64,
        until: i64,
        max_bytes: usize,
    ) -> Result<Vec<Consumed>, LogError> {
        self.0.read_range(partition, from.max(self.1), until, max_bytes).await
    }
}

#[tokio::test(start_paused = true)]
async fn what_retention_removed_is_counted_as_gone() {
    let rig = Rig::filled().await;
    for first in [1, 400] {
        let ports = ReplayPorts { log: Arc::new(Trimmed(rig.log.clone(), first)), ..rig.ports.clone() };
        let places = Selection {
            range: SelectionRange::Time { from: NOW.plus_millis(-1), to: Some(NOW.plus_millis(1)) },
            log: format!("trimmed to {first}"),
            filters: OfWord::default(),
        };
        let whole = |span: &LogSpan| Stretch { partition: span.partition, from: 0, until: span.end, next: 0 };
        let spans = rig.log.spans().await.unwrap();
        let plan = ReplayPlan::Stretches(spans.iter().map(whole).collect());
        let total = plan.total();
        let file = ProgressFile::of(&places, Some(rig.folder.path().join(format!("{first}.json"))));
        let (_stopper, stop) = Stopper::new();
        let walk = Walk::new(&ports, chooser(&places), &file, Progress::new(&places, plan, NOW), pace(10_000));
        let (ended, progress) = walk.run(&stop).await.unwrap();
        assert_eq!((ended, progress.plan.done()), (Ended::Whole, total));
        let counts = progress.counts;
        assert_eq!(counts.total(), total);
        let gone = |span: &LogSpan| u64::try_from(span.end.min(first)).unwrap();
        assert_eq!(counts.gone, spans.iter().map(gone).sum::<u64>(), "{counts:?}");
    }
}
