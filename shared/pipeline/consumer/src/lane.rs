//! A lane applies the batches of one assigned partition, one at a time and in order.

use std::sync::Arc;
use std::time::Duration;

use tidegate_kernel::PartitionEpoch;
use tidegate_ports::{Account, Consumed, Halt};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep};

use crate::applier::{Applied, Applier};
use crate::apply::Apply;
use crate::halted::stay_halted;
use crate::metrics;
use crate::opened::LaneState;
use crate::progress::Progress;
use crate::stall_watch::StallTimer;

/// How often a lane that has nothing to do checks that the store still has what was saved, until that is certain.
const CHECK_EVERY: Duration = Duration::from_secs(5);

/// What a lane reports to its consumer.
#[derive(Debug)]
pub(crate) enum LaneEvent {
    /// A batch of so many payload bytes is done, or as much of it as the brake let through.
    Applied { of: PartitionEpoch, bytes: usize, applied: Applied },
    /// The account that was being settled is durable.
    Settled(PartitionEpoch),
}

/// The consumer's side of a lane. Dropping it lets the lane finish what it has and end.
pub(crate) struct Lane {
    pub of: PartitionEpoch,
    pub progress: Progress,
    batches: mpsc::Sender<Vec<Consumed>>,
    task: JoinHandle<()>,
    settling: Option<JoinHandle<()>>,
    /// Batches, and their payload bytes, handed over and not yet done.
    waiting: usize,
    waiting_bytes: usize,
    pub paused: bool,
    /// Nothing more is applied here under this assignment.
    halted: bool,
    stall: StallTimer,
}

impl Lane {
    /// One batch is applied while the next waits.
    const DEPTH: usize = 2;

    pub fn open<A: Apply>(of: PartitionEpoch, applier: Arc<Applier<A>>, events: mpsc::Sender<LaneEvent>) -> Self {
        let (batches, incoming) = mpsc::channel::<Vec<Consumed>>(Self::DEPTH);
        metrics::braked(of.partition).set(0.0);
        metrics::stalled(of.partition).set(0.0);
        Lane {
            of,
            progress: Progress::new(of),
            batches,
            task: tokio::spawn(apply_batches(of, applier, incoming, events)),
            settling: None,
            waiting: 0,
            waiting_bytes: 0,
            paused: false,
            halted: false,
            stall: StallTimer::new(Instant::now()),
        }
    }

    /// Hands a batch of so many payload bytes over. The consumer pauses a partition before its lane is full; a batch
    /// that was under way all the same waits here.
    pub async fn push(&mut self, batch: Vec<Consumed>, bytes: usize) {
        self.waiting += 1;
        self.waiting_bytes += bytes;
        // The lane ends only after this sender is dropped.
        let _ = self.batches.send(batch).await;
    }

    /// A batch of so many payload bytes is done.
    pub const fn done(&mut self, bytes: usize) {
        self.waiting -= 1;
        self.waiting_bytes -= bytes;
    }

    /// Nothing more is applied here. Returns the payload bytes that were handed over for nothing.
    pub const fn halt(&mut self) -> usize {
        let waiting_bytes = self.waiting_bytes;
        (self.halted, self.waiting, self.waiting_bytes) = (true, 0, 0);
        waiting_bytes
    }

    pub const fn is_halted(&self) -> bool {
        self.halted
    }

    /// Whether it takes no further batch for now.
    pub const fn is_full(&self) -> bool {
        self.halted || self.waiting >= Self::DEPTH
    }

    /// Begins to settle an account; [`LaneEvent::Settled`] follows, however long the store is away.
    pub fn settle<A: Apply>(&mut self, account: Account, applier: &Arc<Applier<A>>, events: &mpsc::Sender<LaneEvent>) {
        let (of, applier, events) = (self.of, applier.clone(), events.clone());
        self.settling = Some(tokio::spawn(async move {
            applier.settle(account).await;
            // Nobody listens any more once the consumer has stopped.
            let _ = events.send(LaneEvent::Settled(of)).await;
        }));
    }

    /// Whether something of it is being applied, settled or committed, or waits for it.
    pub fn is_busy(&self) -> bool {
        self.waiting > 0 || self.progress.is_settling()
    }

    /// For how long something of it has been under way or uncommitted without any commit.
    pub fn stalled_for(&mut self, now: Instant) -> Duration {
        let waits = self.progress.open() > 0 || self.is_busy() || self.progress.uncommitted() > 0;
        self.stall.stalled_for(waits && !self.halted, self.progress.committed_to(), now)
    }

    /// Ends the lane at once: its partition is somebody else's. Returns the payload bytes that were not applied.
    pub fn abort(self) -> usize {
        metrics::braked(self.of.partition).set(0.0);
        metrics::stalled(self.of.partition).set(0.0);
        self.task.abort();
        if let Some(settling) = self.settling {
            settling.abort();
        }
        self.waiting_bytes
    }
}

async fn apply_batches<A: Apply>(
    of: PartitionEpoch,
    applier: Arc<Applier<A>>,
    mut incoming: mpsc::Receiver<Vec<Consumed>>,
    events: mpsc::Sender<LaneEvent>,
) {
    let mut state = LaneState::new(of.partition, applier.new_brake());
    loop {
        let consumed = tokio::select! {
            biased;
            consumed = incoming.recv() => consumed,
            () = sleep(CHECK_EVERY), if state.needs_check() => {
                applier.check(&mut state).await;
                continue;
            }
        };
        let Some(consumed) = consumed else { return };
        let bytes = consumed.iter().map(|one| one.payload.len()).sum();
        let Some(applied) = applier.apply(consumed, &mut state).await else { continue };
        let Account { generation, partition, next_offset: offset, .. } = applied.account;
        let halt = applied.tripped.map(|tripped| (tripped, Halt { generation, partition, offset }));
        // Nobody listens any more once the consumer has stopped.
        let _ = events.send(LaneEvent::Applied { of, bytes, applied }).await;
        if let Some((tripped, halt)) = halt {
            return stay_halted(&applier, tripped, halt, incoming).await;
        }
    }
}
