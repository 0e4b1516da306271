//! A lane applies the batches of one assigned partition, one at a time and in order.

use std::collections::VecDeque;
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
use crate::metrics::PartitionGauges;
use crate::opened::{Assigned, LaneState};
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
    /// The lane is halted no more, and applies records of so many payload bytes that it had not done.
    WentOn { of: PartitionEpoch, bytes: usize },
}

/// The consumer's side of a lane. Dropping it lets the lane finish what it has and end.
pub(crate) struct Lane {
    pub of: PartitionEpoch,
    pub progress: Progress,
    batches: mpsc::Sender<Vec<Consumed>>,
    pub gauges: PartitionGauges,
    task: JoinHandle<()>,
    settling: Option<JoinHandle<()>>,
    /// Batches, and their payload bytes, handed over and not yet done.
    waiting: usize,
    waiting_bytes: usize,
    pub paused: bool,
    /// Nothing more is applied here for now.
    halted: bool,
    stall: StallTimer,
}

impl Lane {
    /// One batch is applied while the next waits.
    const DEPTH: usize = 2;

    pub fn open<A: Apply>(of: PartitionEpoch, applier: Arc<Applier<A>>, events: mpsc::Sender<LaneEvent>) -> Self {
        let (batches, incoming) = mpsc::channel::<Vec<Consumed>>(Self::DEPTH);
        Lane {
            of,
            gauges: applier.metrics.partition(of.partition),
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
    /// that was in progress all the same waits here.
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

    /// Nothing more is applied here for now. Returns the payload bytes that wait in vain.
    pub const fn halt(&mut self) -> usize {
        self.halted = true;
        self.waiting_bytes
    }

    /// The lane applies what waits, and before that the rest of the batch that halted it, of so many payload bytes. Returns
    /// the payload bytes of it all.
    pub const fn go_on(&mut self, bytes: usize) -> usize {
        self.halted = false;
        self.waiting += 1;
        self.waiting_bytes += bytes;
        self.waiting_bytes
    }

    pub const fn is_halted(&self) -> bool {
        self.halted
    }

    /// Whether it takes no further batch for now.
    pub const fn is_full(&self) -> bool {
        self.halted || self.waiting >= Self::DEPTH
    }

    /// Begins to settle an account; [`LaneEvent::Settled`] follows, however long the store is down.
    pub fn settle<A: Apply>(&mut self, account: Account, applier: &Arc<Applier<A>>, events: &mpsc::Sender<LaneEvent>) {
        let (of, applier, events) = (self.of, applier.clone(), events.clone());
        self.settling = Some(tokio::spawn(async move {
            applier.settle(account).await;
            // The receiver is gone once the consumer has stopped.
            let _ = events.send(LaneEvent::Settled(of)).await;
        }));
    }

    /// Whether something of it is being applied, settled or committed, or waits for it.
    pub fn is_busy(&self) -> bool {
        (self.waiting > 0 && !self.halted) || self.progress.is_settling()
    }

    /// For how long something of it has been in progress or uncommitted without any commit.
    pub fn stalled_for(&mut self, now: Instant) -> Duration {
        let waits = self.progress.open() > 0 || self.is_busy() || self.progress.uncommitted() > 0;
        self.stall.stalled_for(waits && !self.halted, self.progress.committed_to(), now)
    }

    /// Ends the lane at once: its partition has another owner. Returns the payload bytes that still wait to be applied.
    pub fn abort(self) -> usize {
        self.gauges.clear();
        self.task.abort();
        if let Some(settling) = self.settling {
            settling.abort();
        }
        if self.halted { 0 } else { self.waiting_bytes }
    }
}

async fn apply_batches<A: Apply>(
    of: PartitionEpoch,
    applier: Arc<Applier<A>>,
    mut incoming: mpsc::Receiver<Vec<Consumed>>,
    events: mpsc::Sender<LaneEvent>,
) {
    let assigned = Assigned { of, assignment: applier.apply.assigned(of) };
    let mut state = LaneState::new(assigned, applier.new_brake());
    // What came while the lane was halted.
    let mut held = VecDeque::new();
    loop {
        let consumed = match held.pop_front() {
            Some(consumed) => Some(consumed),
            None => tokio::select! {
                biased;
                consumed = incoming.recv() => consumed,
                () = sleep(CHECK_EVERY), if state.needs_check() => {
                    applier.check(&mut state).await;
                    continue;
                }
            },
        };
        let Some(consumed) = consumed else { return };
        let bytes = bytes_of(&consumed);
        let Some(mut applied) = applier.apply(consumed, &mut state).await else { continue };
        let Account { generation, partition, next_offset: offset, .. } = applied.account;
        let halting = applied.halting.map(|halting| (halting, Halt { generation, partition, offset }));
        let rest = std::mem::take(&mut applied.rest);
        // The receiver is gone once the consumer has stopped.
        let _ = events.send(LaneEvent::Applied { of, bytes, applied }).await;
        if let Some((halting, halt)) = halting {
            // Those that wait already come before those that still come.
            let Some(came) = stay_halted(&applier, halting, halt, &mut incoming).await else { return };
            held.extend(came);
            state.go_on();
            let _ = events.send(LaneEvent::WentOn { of, bytes: bytes_of(&rest) }).await;
            held.push_front(rest);
        }
    }
}

fn bytes_of(records: &[Consumed]) -> usize {
    records.iter().map(|one| one.payload.len()).sum()
}
