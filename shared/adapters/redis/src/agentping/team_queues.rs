//! Coalescing: operations of one team that arrive during a call of that team share the next call. Confirmations wait up
//! to [`CONFIRMS_WAIT`] for other operations, since no request waits for them.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tidegate_agentping::TeamId;
use tidegate_agentping_ports::GateDown;
use tidegate_ports::{Clock, FailureCause};
use tokio::sync::{Notify, oneshot};
use tokio::time::timeout;

use super::operation::Operation;
use super::packing::{Keeping, pack};
use crate::link::Link;
use crate::metrics::GateMetrics;

/// Operations that wait or are in progress, over all teams; further ones fail as if the gate were down.
const WAITING_MAX: usize = 16_384;
/// Confirmations among them at most, so that they leave room for the other operations.
const CONFIRMS_MAX: usize = 8_192;
/// Limits of one call, so that it occupies Redis for a millisecond or two at most. One operation always fits.
const OPERATIONS_PER_CALL: usize = 128;
const CLAIMS_PER_CALL: usize = 512;
const ANSWER_BYTES_PER_CALL: usize = 128 * 1_024;
/// How long confirmations alone wait for another operation to share the call. Requests of this process about their
/// claims are behind them in the same queue, so none sees a claim as unconfirmed because of the wait.
const CONFIRMS_WAIT: Duration = Duration::from_millis(10);

/// The queues of all teams that have operations in progress.
pub(crate) struct TeamQueues {
    link: Arc<Link>,
    key_prefix: String,
    keeping: Keeping,
    metrics: Arc<GateMetrics>,
    clock: Arc<dyn Clock>,
    queues: Mutex<HashMap<TeamId, TeamQueue>>,
    waiting: AtomicUsize,
    confirms_waiting: AtomicUsize,
}

#[derive(Default)]
struct TeamQueue {
    queue: VecDeque<Waiting>,
    /// How many operations in the queue have a waiting caller.
    urgent: usize,
    wake: Arc<Notify>,
}

struct Waiting {
    operation: Operation,
    /// `None` for a confirmation.
    reply: Option<oneshot::Sender<Answered>>,
}

type Answered = Result<(Operation, Vec<u8>), GateDown>;

impl TeamQueues {
    pub fn new(
        link: Arc<Link>,
        key_prefix: String,
        keeping: Keeping,
        metrics: Arc<GateMetrics>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        TeamQueues {
            link,
            key_prefix,
            keeping,
            metrics,
            clock,
            queues: Mutex::default(),
            waiting: AtomicUsize::new(0),
            confirms_waiting: AtomicUsize::new(0),
        }
    }

    /// Runs one operation and returns it with the script's reply. If the future is dropped before the reply, the
    /// operation may or may not be done.
    ///
    /// # Errors
    /// [`GateDown`].
    pub async fn ask(self: &Arc<Self>, team: TeamId, operation: Operation) -> Answered {
        if let Some(down) = self.link.down() {
            return Err(GateDown(down));
        }
        if self.waiting.load(Ordering::Relaxed) >= WAITING_MAX {
            return Err(GateDown(FailureCause::overloaded(format!("{WAITING_MAX} questions wait for Redis already"))));
        }
        let (reply, answer) = oneshot::channel();
        self.queue(team, Waiting { operation, reply: Some(reply) });
        answer.await.unwrap_or_else(|_| Err(GateDown("the call was given up".into())))
    }

    /// Runs a confirmation in the background, or drops it when too many wait.
    pub fn confirm(self: &Arc<Self>, team: TeamId, operation: Operation) {
        if self.link.down().is_some() || self.confirms_waiting.load(Ordering::Relaxed) >= CONFIRMS_MAX {
            self.metrics.confirms_dropped.increment(1);
            return;
        }
        self.queue(team, Waiting { operation, reply: None });
    }

    fn queue(self: &Arc<Self>, team: TeamId, waiting: Waiting) {
        self.waiting.fetch_add(1, Ordering::Relaxed);
        let urgent = waiting.reply.is_some();
        if !urgent {
            self.confirms_waiting.fetch_add(1, Ordering::Relaxed);
        }
        let mut queues = self.lock();
        let entry = queues.entry(team);
        let idle = matches!(entry, Entry::Vacant(_));
        let team_queue = entry.or_default();
        team_queue.queue.push_back(waiting);
        team_queue.urgent += usize::from(urgent);
        if idle {
            let wake = Arc::clone(&team_queue.wake);
            let driver = Driver { queues: Arc::clone(self), team, wake, done: false };
            drop(queues);
            tokio::spawn(driver.drive());
        } else if urgent {
            team_queue.wake.notify_one();
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<TeamId, TeamQueue>> {
        // Nothing under the lock panics half way through a change.
        self.queues.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Subtracts operations that have ended from the counts.
    fn left(&self, gone: &[Waiting]) {
        let confirms = gone.iter().filter(|waiting| waiting.reply.is_none()).count();
        self.waiting.fetch_sub(gone.len(), Ordering::Relaxed);
        self.confirms_waiting.fetch_sub(confirms, Ordering::Relaxed);
    }

    fn fail(&self, gone: Vec<Waiting>, down: &GateDown) {
        for waiting in gone {
            match waiting.reply {
                // The caller may have left.
                Some(reply) => _ = reply.send(Err(down.clone())),
                None => self.metrics.confirms_dropped.increment(1),
            }
        }
    }
}

/// The task that makes the calls of one team, one after another, until its queue is empty.
struct Driver {
    queues: Arc<TeamQueues>,
    team: TeamId,
    wake: Arc<Notify>,
    /// Whether the queue was removed. A newer queue of the team has its own driver.
    done: bool,
}

enum Step {
    Call(Vec<Waiting>),
    WaitForCompany,
    Done,
}

impl Driver {
    async fn drive(mut self) {
        let mut waited = false;
        loop {
            match self.next(waited) {
                Step::Done => return,
                Step::WaitForCompany => {
                    // Continue after the timeout as well as after a wake-up.
                    let _ = timeout(CONFIRMS_WAIT, self.wake.notified()).await;
                    waited = true;
                }
                Step::Call(batch) => {
                    self.call(batch).await;
                    waited = false;
                }
            }
        }
    }

    fn next(&mut self, waited: bool) -> Step {
        let mut queues = self.queues.lock();
        let Some(team_queue) = queues.get_mut(&self.team).filter(|team_queue| !team_queue.queue.is_empty()) else {
            queues.remove(&self.team);
            self.done = true;
            return Step::Done;
        };
        if team_queue.urgent == 0 && !waited && team_queue.queue.len() < OPERATIONS_PER_CALL {
            return Step::WaitForCompany;
        }
        Step::Call(team_queue.take())
    }

    async fn call(&self, batch: Vec<Waiting>) {
        // A read whose caller has left is dropped.
        let (abandoned, batch): (Vec<_>, Vec<_>) = batch.into_iter().partition(Waiting::is_abandoned);
        self.queues.left(&abandoned);
        if batch.is_empty() {
            return;
        }
        let operations = batch.iter().map(|waiting| &waiting.operation);
        let asks = operations.clone().filter(|operation| matches!(operation, Operation::Admit(_))).count();
        let moved_ms = self.queues.clock.moved_ms();
        let call = pack(&self.queues.key_prefix, self.team, self.queues.keeping, moved_ms, operations);
        if asks > 0 {
            self.queues.metrics.asks_per_call.record(asks as f64);
        }
        let answers = self.queues.link.call(&call).await.map_err(GateDown).and_then(|answers| {
            let expected = batch.len();
            let found = answers.len();
            let short = || GateDown(format!("the script gave {found} answers to {expected} operations").into());
            if found == expected { Ok(answers) } else { Err(short()) }
        });
        self.queues.left(&batch);
        match answers {
            Ok(answers) => {
                for (waiting, answer) in batch.into_iter().zip(answers) {
                    if let Some(reply) = waiting.reply {
                        // The caller may have left.
                        let _ = reply.send(Ok((waiting.operation, answer)));
                    }
                }
            }
            Err(down) => {
                self.queues.fail(batch, &down);
                self.fail_all(&down);
            }
        }
    }

    /// Fails all operations that wait behind a failed call.
    fn fail_all(&self, down: &GateDown) {
        let behind: Vec<Waiting> = {
            let mut queues = self.queues.lock();
            let Some(team_queue) = queues.get_mut(&self.team) else { return };
            team_queue.urgent = 0;
            team_queue.queue.drain(..).collect()
        };
        self.queues.left(&behind);
        self.queues.fail(behind, down);
    }
}

/// If the driver ends early with the runtime, it removes the queue, which would have no driver.
impl Drop for Driver {
    fn drop(&mut self) {
        if self.done {
            return;
        }
        if let Some(mut team_queue) = self.queues.lock().remove(&self.team) {
            self.queues.left(team_queue.queue.make_contiguous());
        }
    }
}

impl TeamQueue {
    /// The operations of the next call, in order.
    fn take(&mut self) -> Vec<Waiting> {
        let (mut batch, mut claims, mut answer_bytes) = (Vec::new(), 0, 0);
        while let Some(next) = self.queue.front() {
            let (more_claims, more_bytes) = next.operation.size();
            (claims, answer_bytes) = (claims + more_claims, answer_bytes + more_bytes);
            let fits =
                batch.len() < OPERATIONS_PER_CALL && claims <= CLAIMS_PER_CALL && answer_bytes <= ANSWER_BYTES_PER_CALL;
            if !fits && !batch.is_empty() {
                break;
            }
            self.urgent -= usize::from(next.reply.is_some());
            batch.extend(self.queue.pop_front());
        }
        batch
    }
}

impl Waiting {
    fn is_abandoned(&self) -> bool {
        let reads = matches!(self.operation, Operation::Admit(_) | Operation::Usage(_) | Operation::Agents);
        reads && self.reply.as_ref().is_some_and(oneshot::Sender::is_closed)
    }
}
