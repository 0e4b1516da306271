//! Organizations under load.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures_util::future::join_all;
use tokio::task::JoinHandle;
use tokio::time::{MissedTickBehavior, interval};

use super::account::{Account, CENTS_PER_ITERATION, Terms};
use super::kinds::Tally;
use super::stored::Stored;
use super::verdict::{Breach, breaches};
use crate::wait::eventually;
use crate::{Deployment, ids};

/// Organizations with credits.
const ORGANIZATIONS: usize = 3;
/// Clients of each.
const CLIENTS: u64 = 2;
/// Workers of each. A run takes two requests of theirs, and one of a client's.
const WORKERS: usize = 4;
/// How long a client of an organization without credits waits between two tries, at least.
const POOR_TURN: Duration = Duration::from_millis(150);
/// Keys of refusals that are used again in the end, of each organization.
const USED_AGAIN: usize = 3;
/// Until everything that waits has ended, once nothing is in its way.
const SOON: Duration = Duration::from_secs(180);

/// Clients and workers of several organizations at work, and one organization that is refused everything.
#[derive(Debug)]
pub struct GateLoad {
    pub deployment: Arc<Deployment>,
    accounts: Vec<Arc<Account>>,
    tally: Arc<Tally>,
    stop: Arc<AtomicBool>,
    done: Arc<AtomicBool>,
    clients: Vec<JoinHandle<()>>,
    workers: Vec<JoinHandle<()>>,
}

impl GateLoad {
    /// Makes the organizations, and begins. Each client takes `turn` for a submission, at least.
    pub async fn begin(deployment: Arc<Deployment>, turn: Duration) -> Self {
        let tally = Arc::new(Tally::default());
        let terms = std::iter::repeat_n(Terms::AMPLE, ORGANIZATIONS).chain([Terms::POOR]);
        let accounts = join_all(terms.map(|terms| Account::counted(deployment.clone(), terms, tally.clone()))).await;
        let accounts: Vec<Arc<Account>> = accounts.into_iter().map(Arc::new).collect();
        let (stop, done): (Arc<AtomicBool>, Arc<AtomicBool>) = Default::default();
        let (mut clients, mut workers) = (Vec::new(), Vec::new());
        for (number, account) in accounts.iter().enumerate() {
            let (is_poor, account) = (number == ORGANIZATIONS, account.clone());
            let (count, turn) = if is_poor { (1, turn.max(POOR_TURN)) } else { (CLIENTS, turn) };
            clients.extend((0..count).map(|client| spawn_client(account.clone(), stop.clone(), turn, client)));
            workers.extend((0..WORKERS).map(|_| spawn_worker(account.clone(), done.clone())));
        }
        GateLoad { deployment, accounts, tally, stop, done, clients, workers }
    }

    /// One of the organizations that have credits.
    pub fn organization(&self) -> Arc<Account> {
        self.accounts[0].clone()
    }

    /// Submissions that were answered with `201` so far.
    pub fn accepted(&self) -> u64 {
        self.tally.accepted()
    }

    /// Runs whose end was answered with `200` so far.
    pub fn finished(&self) -> u64 {
        self.tally.finished()
    }

    /// How requests ended so far, by kind.
    pub fn ends(&self) -> BTreeMap<String, u64> {
        self.tally.ends()
    }

    /// Waits until so many more submissions are answered with `201`.
    pub async fn accepts(&self, more: u64) {
        let until = self.accepted() + more;
        eventually(SOON, "submissions are accepted", async || {
            self.still_going();
            match self.accepted() {
                accepted if accepted >= until => Ok(()),
                accepted => Err(format!("{accepted} of {until}; {:?}", self.ends())),
            }
        })
        .await;
    }

    /// # Panics
    /// If a client or a worker met an answer that it must not get.
    pub fn still_going(&self) {
        let mut tasks = self.clients.iter().chain(&self.workers);
        assert!(tasks.all(|task| !task.is_finished()), "a client or worker met an answer that it must not get");
    }

    /// Each organization with credits submits once at this front door, which is decided, and every front door shows its run.
    ///
    /// # Errors
    /// What came instead.
    pub async fn is_served_by(&self, door: &str) -> Result<(), String> {
        for account in &self.accounts[..ORGANIZATIONS] {
            let Some(run) = account.submit_once(door, &ids::nonce()).await? else { continue };
            for _ in 0..self.deployment.gates().len() {
                account.get(&format!("/v1/runs/{run}")).await?;
            }
        }
        Ok(())
    }

    /// Waits until every front door serves every organization: whatever it had appended for one before is decided then.
    pub async fn is_served(&self) {
        for door in self.deployment.gates() {
            eventually(SOON, &format!("{door} serves every organization"), async || {
                self.still_going();
                self.is_served_by(door).await
            })
            .await;
        }
    }

    /// Lets everything end, uses some keys of refusals again, and compares what is stored with the ledgers: the number
    /// of runs, and what does not hold.
    pub async fn end(mut self) -> (usize, Vec<Breach>) {
        self.stop.store(true, Ordering::Relaxed);
        for client in std::mem::take(&mut self.clients) {
            client.await.expect("a client met only answers that it may get");
        }
        self.is_served().await;
        self.accounts[ORGANIZATIONS].credit(100 * CENTS_PER_ITERATION).await;
        for account in &self.accounts {
            let keys: Vec<String> = account.ledger().refused.iter().take(USED_AGAIN).cloned().collect();
            for key in keys {
                account.submit_another(&key).await;
            }
        }
        for account in &self.accounts {
            eventually(SOON, "every run has ended", async || match account.shown().await {
                shown if shown["openRuns"] == 0 => Ok(()),
                shown => Err(shown.to_string()),
            })
            .await;
        }
        self.done.store(true, Ordering::Relaxed);
        for worker in std::mem::take(&mut self.workers) {
            worker.await.expect("a worker met only answers that it may get");
        }
        let (mut runs, mut found) = (0, Vec::new());
        for account in &self.accounts {
            let ledger = account.ledger().clone();
            let stored = Stored::read(account, &ledger).await;
            runs += stored.runs.len();
            found.extend(breaches(&ledger, &stored));
        }
        (runs, found)
    }
}

fn spawn_client(account: Arc<Account>, stop: Arc<AtomicBool>, turn: Duration, number: u64) -> JoinHandle<()> {
    tokio::spawn(async move {
        // An interval of nothing is none.
        let mut turns = interval(turn.max(Duration::from_nanos(1)));
        turns.set_missed_tick_behavior(MissedTickBehavior::Delay);
        for turn in number * 3.. {
            turns.tick().await;
            if stop.load(Ordering::Relaxed) {
                return;
            }
            account.client_turn(turn).await;
        }
    })
}

fn spawn_worker(account: Arc<Account>, done: Arc<AtomicBool>) -> JoinHandle<()> {
    tokio::spawn(async move {
        let name = format!("worker-{}", ids::nonce());
        while !done.load(Ordering::Relaxed) {
            account.worker_turn(&name).await;
        }
    })
}
