//! A lane applies the batches of one assigned partition, one at a time and in order.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use tidegate_kernel::{Committable, PartitionEpoch};
use tidegate_ports::{Account, Consumed, Halt};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::{Instant, MissedTickBehavior, interval_at, sleep};

use crate::apply::{Applied, Applier, Progress};
use crate::brake::Tripped;
use crate::tally::Tally;

/// How often a lane that has nothing to do looks whether the store still has what was saved, until that is certain.
const LOOK_EVERY: Duration = Duration::from_secs(5);
/// How often a braked lane says so.
const SAY_AGAIN: Duration = Duration::from_secs(60);

/// What a lane tells its persister.
#[derive(Debug)]
pub(crate) enum News {
    /// A batch of so many payload bytes is done, or as much of it as the brake let through.
    Applied { from: PartitionEpoch, bytes: usize, applied: Applied },
    /// An account is settled: what it covers may be committed.
    Settled(Committable),
}

/// The sending end of a lane. Dropping it lets the lane finish what it has and end.
pub(crate) struct Lane {
    batches: mpsc::Sender<Vec<Consumed>>,
    task: JoinHandle<()>,
    /// Batches, and their payload bytes, handed over and not yet done.
    pub waiting: usize,
    pub waiting_bytes: usize,
    pub paused: bool,
    /// Nothing more is done here under this assignment.
    pub braked: bool,
    /// As of the last batch done.
    pub account: Option<Account>,
    /// To be settled, then committed; the newest one covers all before it.
    pub unsettled: Option<(Committable, Account)>,
    /// At most one account is being settled at a time, so that no later one overtakes it.
    pub settling: Option<JoinHandle<()>>,
    /// The next offset after what was committed, or the first one that was read; and the same for what is done.
    pub committed_to: Option<i64>,
    pub done_to: Option<i64>,
    /// What was committed when it last moved, and when that was seen.
    progressed_at: Instant,
    progressed_to: Option<i64>,
}

impl Lane {
    /// One batch is applied while the next waits.
    pub const DEPTH: usize = 2;

    pub fn open(from: PartitionEpoch, applier: Arc<Applier>, news: mpsc::Sender<News>) -> Self {
        let (batches, mut incoming) = mpsc::channel::<Vec<Consumed>>(Self::DEPTH);
        Tally::braked(from.partition).set(0.0);
        let task = tokio::spawn(async move {
            let mut progress = Progress::new(from.partition, applier.brake);
            loop {
                let consumed = tokio::select! {
                    biased;
                    consumed = incoming.recv() => consumed,
                    () = sleep(LOOK_EVERY), if progress.wants_a_look() => {
                        applier.look(&mut progress).await;
                        continue;
                    }
                };
                let Some(consumed) = consumed else { return };
                let bytes = consumed.iter().map(|one| one.payload.len()).sum();
                let Some(applied) = applier.apply(consumed, &mut progress).await else { continue };
                let Account { generation, partition, next_offset: offset, .. } = applied.account;
                let stop = applied.tripped.map(|tripped| (tripped, Halt { generation, partition, offset }));
                // Nobody listens any more once the persister has stopped.
                let _ = news.send(News::Applied { from, bytes, applied }).await;
                if let Some((tripped, halt)) = stop {
                    stand_still(&applier, tripped, halt, incoming).await;
                    return;
                }
            }
        });
        Lane {
            batches,
            task,
            waiting: 0,
            waiting_bytes: 0,
            paused: false,
            braked: false,
            account: None,
            unsettled: None,
            settling: None,
            committed_to: None,
            done_to: None,
            progressed_at: Instant::now(),
            progressed_to: None,
        }
    }

    /// For how long something of it has been under way or uncommitted without any commit. `open`: records that were read
    /// and are not done.
    pub fn stalled_for(&mut self, open: usize, now: Instant) -> Duration {
        let waits = !self.braked && (open > 0 || self.is_busy() || self.uncommitted() > 0);
        if !waits || self.progressed_to != self.committed_to {
            (self.progressed_at, self.progressed_to) = (now, self.committed_to);
        }
        now.saturating_duration_since(self.progressed_at)
    }

    /// Hands a batch over. The persister pauses a partition before its lane is full; a batch that was under way
    /// all the same waits here.
    pub async fn push(&mut self, batch: Vec<Consumed>) {
        self.waiting += 1;
        self.waiting_bytes += batch.iter().map(|one| one.payload.len()).sum::<usize>();
        if let Some(first) = batch.first() {
            self.committed_to.get_or_insert(first.position.offset);
        }
        // The lane ends only after this sender is dropped.
        let _ = self.batches.send(batch).await;
    }

    /// Begins to settle what is done, if nothing is being settled.
    pub fn settle(&mut self, applier: &Arc<Applier>, news: &mpsc::Sender<News>) {
        if self.settling.is_some() {
            return;
        }
        if let Some((committable, account)) = self.unsettled.take() {
            let (applier, news) = (applier.clone(), news.clone());
            self.settling = Some(tokio::spawn(async move {
                applier.settle(account).await;
                // Nobody listens any more once the persister has stopped.
                let _ = news.send(News::Settled(committable)).await;
            }));
        }
    }

    /// Whether something of it is under way or waits to be settled.
    pub fn is_busy(&self) -> bool {
        self.waiting > 0 || self.settling.is_some() || self.unsettled.is_some()
    }

    /// Records done and not committed.
    pub fn uncommitted(&self) -> usize {
        let behind = self.done_to.zip(self.committed_to).map_or(0, |(done, committed)| done - committed);
        usize::try_from(behind).unwrap_or(0)
    }

    /// Ends the lane where it stands: its partition is somebody else's.
    pub fn abort(self) {
        self.task.abort();
        if let Some(settling) = self.settling {
            settling.abort();
        }
    }
}

/// What was stopped: says so now and then, in the log and once in the store, and does nothing with what still comes, until
/// the partition is taken away or the persister ends.
async fn stand_still(applier: &Applier, tripped: Tripped, halt: Halt, mut incoming: mpsc::Receiver<Vec<Consumed>>) {
    let mut ticks = interval_at(Instant::now(), SAY_AGAIN);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    // Front doors read it there. Of a log that went back they know by themselves.
    let mut is_stated = matches!(tripped, Tripped::LogWentBack { .. });
    let mut stating = pin!(applier.halt(halt));
    loop {
        tokio::select! {
            biased;
            consumed = incoming.recv() => if consumed.is_none() {
                return;
            },
            () = &mut stating, if !is_stated => is_stated = true,
            _ = ticks.tick() => say(&tripped, halt),
        }
    }
}

fn say(tripped: &Tripped, Halt { partition, offset, .. }: Halt) {
    match tripped {
        Tripped::LogWentBack { .. } => tracing::error!(
            partition,
            offset,
            %tripped,
            "the topic was deleted and created again, or lost its end: nothing of this partition is applied, or records \
             would be passed over; move to another generation (docs/runbook.md, TidegatePartitionHalted)",
        ),
        Tripped::InARow { .. } | Tripped::Share { .. } => tracing::error!(
            partition,
            offset,
            %tripped,
            "the brake stopped this partition: nothing is lost, nothing more is buried; deploy a release that \
             reads these records, or raise persister.brake_run_length and restart (docs/runbook.md)",
        ),
    }
}
