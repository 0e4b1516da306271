//! Waiting for facts: one task of the process reads the facts of all commands that wait, in one read.
//!
//! Each command has its own [pace](crate::pace): a read takes those whose look is due, or all of them once facts are known
//! to have come.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tidegate_ports::{FactName, Facts, FailureCause, StoreError, StoredFact};
use tokio::sync::{Notify, oneshot};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep_until, timeout};

use crate::metrics::{FACT_READ_FAILURES, FACT_READS};
use crate::pace::pause_before;
use crate::store_watch::StoreWatch;

/// Looks that are due so soon are done at once, so that commands share reads.
const SHARED: Duration = Duration::from_millis(2);
/// A read that takes longer is given up; the next one may be answered.
const READ_WITHIN: Duration = Duration::from_secs(2);

/// The facts that this process waits for. Dropping it ends its task.
pub(crate) struct WaitingFacts {
    shared: Arc<Shared>,
    task: JoinHandle<()>,
}

#[derive(Default)]
struct Shared {
    looks: Mutex<Looks>,
    came: Notify,
    store: StoreWatch,
}

#[derive(Default)]
struct Looks {
    next_id: u64,
    waiting: HashMap<u64, Look>,
}

struct Look {
    name: FactName,
    looks: usize,
    next_at: Instant,
    found: oneshot::Sender<StoredFact>,
}

impl WaitingFacts {
    /// Starts the task that reads.
    pub fn start(facts: Arc<dyn Facts>, api: &'static str) -> Self {
        let shared = Arc::new(Shared::default());
        let task = tokio::spawn(read_facts(facts, shared.clone(), api));
        WaitingFacts { shared, task }
    }

    /// Resolves with the first fact of this name. Dropping the receiver ends the wait.
    pub fn wait_for(&self, name: FactName) -> oneshot::Receiver<StoredFact> {
        let (found, receiver) = oneshot::channel();
        let next_at = Instant::now() + pause_before(0);
        {
            let mut looks = self.shared.looks();
            looks.next_id += 1;
            let id = looks.next_id;
            looks.waiting.insert(id, Look { name, looks: 0, next_at, found });
        }
        self.shared.came.notify_one();
        receiver
    }

    /// Why no fact can be read now.
    pub fn store_down(&self) -> Option<StoreError> {
        self.shared.store.down(Instant::now())
    }
}

impl Drop for WaitingFacts {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Shared {
    fn looks(&self) -> MutexGuard<'_, Looks> {
        self.looks.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Looks {
    /// What to look for now; `all`: of whatever waits, due or not.
    fn take_due(&mut self, now: Instant, all: bool) -> Vec<(u64, FactName)> {
        self.waiting.retain(|_, look| !look.found.is_closed());
        let mut due = Vec::new();
        for (id, look) in &mut self.waiting {
            let is_due = look.next_at <= now + SHARED;
            if is_due {
                look.looks += 1;
                look.next_at = now + pause_before(look.looks);
            }
            if is_due || all {
                due.push((*id, look.name));
            }
        }
        due
    }

    fn next_at(&self) -> Option<Instant> {
        self.waiting.values().map(|look| look.next_at).min()
    }

    fn answer(&mut self, id: u64, fact: StoredFact) {
        if let Some(look) = self.waiting.remove(&id) {
            // The command may have stopped waiting.
            let _ = look.found.send(fact);
        }
    }
}

async fn read_facts(facts: Arc<dyn Facts>, shared: Arc<Shared>, api: &'static str) {
    let (reads, failures) = (FACT_READS.with([("api", api)]), FACT_READ_FAILURES.with([("api", api)]));
    failures.increment(0);
    let mut all = false;
    loop {
        // Before the read: what comes during it is looked for next.
        let changed = facts.changed();
        let due = shared.looks().take_due(Instant::now(), all);
        if !due.is_empty() {
            reads.increment(1);
            let names: Vec<FactName> = due.iter().map(|(_, name)| *name).collect();
            match find(&*facts, &names).await {
                Ok(found) => {
                    shared.store.answered();
                    let mut looks = shared.looks();
                    for ((id, _), facts) in due.into_iter().zip(found) {
                        // An attempt is decided at its first position; later ones are repeats on the log.
                        if let Some(first) = facts.into_iter().next() {
                            looks.answer(id, first);
                        }
                    }
                }
                Err(error) => {
                    failures.increment(1);
                    tracing::warn!(kind = %error.kind(), %error, waiting = due.len(), "the outcomes of commands cannot be read");
                    shared.store.failed(error, Instant::now());
                }
            }
        }
        let next_at = shared.looks().next_at();
        all = tokio::select! {
            () = changed, if next_at.is_some() => true,
            () = shared.came.notified() => false,
            () = sleep_until(next_at.unwrap_or_else(Instant::now)), if next_at.is_some() => false,
        };
    }
}

async fn find(facts: &dyn Facts, names: &[FactName]) -> Result<Vec<Vec<StoredFact>>, StoreError> {
    let late = |_| Err(StoreError::Unavailable(FailureCause::timeout("no answer within 2 s")));
    timeout(READ_WITHIN, facts.find(names)).await.unwrap_or_else(late)
}
