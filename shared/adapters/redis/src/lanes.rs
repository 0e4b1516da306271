//! Coalescing: what one team asks while a call of that team is under way shares the next call. Confirmations wait a
//! little for company; nobody waits for them.

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

use crate::link::Link;
use crate::metrics::Numbers;
use crate::operation::Operation;
use crate::packing::{Keeping, Packed};

/// Operations that wait or are under way, over all teams; beyond it the gate is down for who comes.
const WAITING_MAX: usize = 16_384;
/// Confirmations among them: they may not take the place of questions.
const CONFIRMS_MAX: usize = 8_192;
/// Bounds of one call, so that it holds Redis up for a millisecond or two at most. One operation always fits.
const OPERATIONS_PER_CALL: usize = 128;
const CLAIMS_PER_CALL: usize = 512;
const ANSWER_BYTES_PER_CALL: usize = 128 * 1_024;
/// How long confirmations alone wait for a question to ride along with. Who asks this process about their claims is
/// behind them in the same queue, so nobody here sees a claim unconfirmed for it.
const CONFIRMS_WAIT: Duration = Duration::from_millis(10);

/// A lane for each team that has something under way.
pub(crate) struct Lanes {
    link: Arc<Link>,
    key_prefix: String,
    keeping: Keeping,
    numbers: Arc<Numbers>,
    clock: Arc<dyn Clock>,
    lanes: Mutex<HashMap<TeamId, Lane>>,
    waiting: AtomicUsize,
    confirms_waiting: AtomicUsize,
}

#[derive(Default)]
struct Lane {
    queue: VecDeque<Waiting>,
    /// How many of them somebody waits for.
    urgent: usize,
    wake: Arc<Notify>,
}

struct Waiting {
    operation: Operation,
    /// `None` for a confirmation.
    reply: Option<oneshot::Sender<Answered>>,
}

type Answered = Result<(Operation, Vec<u8>), GateDown>;

impl Lanes {
    pub fn new(
        link: Arc<Link>,
        key_prefix: String,
        keeping: Keeping,
        numbers: Arc<Numbers>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Lanes {
            link,
            key_prefix,
            keeping,
            numbers,
            clock,
            lanes: Mutex::default(),
            waiting: AtomicUsize::new(0),
            confirms_waiting: AtomicUsize::new(0),
        }
    }

    /// Does one operation and gives it back with the script's answer. Who leaves before the answer may find that it
    /// was done, or not.
    ///
    /// # Errors
    /// [`GateDown`].
    pub async fn ask(self: &Arc<Self>, team: TeamId, operation: Operation) -> Answered {
        if let Some(down) = self.link.down() {
            return Err(down);
        }
        if self.waiting.load(Ordering::Relaxed) >= WAITING_MAX {
            return Err(GateDown(FailureCause::overloaded(format!("{WAITING_MAX} questions wait for Redis already"))));
        }
        let (reply, answer) = oneshot::channel();
        self.queue(team, Waiting { operation, reply: Some(reply) });
        answer.await.unwrap_or_else(|_| Err(GateDown("the call was given up".into())))
    }

    /// Does it in the background, or drops it.
    pub fn confirm(self: &Arc<Self>, team: TeamId, operation: Operation) {
        if self.link.down().is_some() || self.confirms_waiting.load(Ordering::Relaxed) >= CONFIRMS_MAX {
            self.numbers.confirms_dropped.increment(1);
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
        let mut lanes = self.lock();
        let entry = lanes.entry(team);
        let idle = matches!(entry, Entry::Vacant(_));
        let lane = entry.or_default();
        lane.queue.push_back(waiting);
        lane.urgent += usize::from(urgent);
        if idle {
            let wake = Arc::clone(&lane.wake);
            let driver = Driver { lanes: Arc::clone(self), team, wake, done: false };
            drop(lanes);
            tokio::spawn(driver.drive());
        } else if urgent {
            lane.wake.notify_one();
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<TeamId, Lane>> {
        // Nothing under the lock panics half way through a change.
        self.lanes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Those who are done with, or never will be.
    fn left(&self, gone: &[Waiting]) {
        let confirms = gone.iter().filter(|waiting| waiting.reply.is_none()).count();
        self.waiting.fetch_sub(gone.len(), Ordering::Relaxed);
        self.confirms_waiting.fetch_sub(confirms, Ordering::Relaxed);
    }

    fn fail(&self, gone: Vec<Waiting>, down: &GateDown) {
        for waiting in gone {
            match waiting.reply {
                // Whoever left needs no answer.
                Some(reply) => _ = reply.send(Err(down.clone())),
                None => self.numbers.confirms_dropped.increment(1),
            }
        }
    }
}

/// The task that makes the calls of one team, one after the other, while it has something to do.
struct Driver {
    lanes: Arc<Lanes>,
    team: TeamId,
    wake: Arc<Notify>,
    /// The lane is cleared away; one of that team that is there now has another driver.
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
                    // Late or woken: either way it goes on.
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
        let mut lanes = self.lanes.lock();
        let Some(lane) = lanes.get_mut(&self.team).filter(|lane| !lane.queue.is_empty()) else {
            lanes.remove(&self.team);
            self.done = true;
            return Step::Done;
        };
        if lane.urgent == 0 && !waited && lane.queue.len() < OPERATIONS_PER_CALL {
            return Step::WaitForCompany;
        }
        Step::Call(lane.take())
    }

    async fn call(&self, batch: Vec<Waiting>) {
        // A question that nobody waits for any more need not be asked.
        let (forsaken, batch): (Vec<_>, Vec<_>) = batch.into_iter().partition(Waiting::is_forsaken);
        self.lanes.left(&forsaken);
        if batch.is_empty() {
            return;
        }
        let operations = batch.iter().map(|waiting| &waiting.operation);
        let asks = operations.clone().filter(|operation| matches!(operation, Operation::Admit(_))).count();
        let moved_ms = self.lanes.clock.moved_ms();
        let packed = Packed::new(&self.lanes.key_prefix, self.team, self.lanes.keeping, moved_ms, operations);
        if asks > 0 {
            self.lanes.numbers.asks_per_call.record(asks as f64);
        }
        let answers = self.lanes.link.call(&packed).await.and_then(|answers| {
            let expected = batch.len();
            let told = answers.len();
            let short = || GateDown(format!("the script gave {told} answers to {expected} operations").into());
            if told == expected { Ok(answers) } else { Err(short()) }
        });
        self.lanes.left(&batch);
        match answers {
            Ok(answers) => {
                for (waiting, answer) in batch.into_iter().zip(answers) {
                    if let Some(reply) = waiting.reply {
                        // Whoever left needs no answer.
                        let _ = reply.send(Ok((waiting.operation, answer)));
                    }
                }
            }
            Err(down) => {
                self.lanes.fail(batch, &down);
                self.fail_all(&down);
            }
        }
    }

    /// Nobody queues up behind a call that failed.
    fn fail_all(&self, down: &GateDown) {
        let behind: Vec<Waiting> = {
            let mut lanes = self.lanes.lock();
            let Some(lane) = lanes.get_mut(&self.team) else { return };
            lane.urgent = 0;
            lane.queue.drain(..).collect()
        };
        self.lanes.left(&behind);
        self.lanes.fail(behind, down);
    }
}

/// A driver that ends early, because the runtime does, leaves no lane behind that nobody drives.
impl Drop for Driver {
    fn drop(&mut self) {
        if self.done {
            return;
        }
        if let Some(mut lane) = self.lanes.lock().remove(&self.team) {
            self.lanes.left(lane.queue.make_contiguous());
        }
    }
}

impl Lane {
    /// What shares the next call, in order.
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
    fn is_forsaken(&self) -> bool {
        let reads = matches!(self.operation, Operation::Admit(_) | Operation::Usage(_) | Operation::Agents);
        reads && self.reply.as_ref().is_some_and(oneshot::Sender::is_closed)
    }
}
