//! The load on a deployment while a fault is done to it, and what is measured.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::report::Sheet;
use crate::durability::load::{Clients, Habits, Load};
use crate::durability::verdict::{Fault as Wrong, settle};
use crate::durability::{Phase, Random};
use crate::servers::Server;
use crate::wait::eventually;
use crate::{Deployment, Plan, Team};

/// How long a deployment may take to work again by itself.
const RECOVERS: Duration = Duration::from_secs(180);
/// More than this in any process is not bounded.
const MEMORY_BYTES: u64 = 1 << 30;

/// How hard the clients work.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    pub clients: u64,
    pub habits: Habits,
}

impl Pace {
    /// As fast as they are answered: for faults that are over at once.
    pub const BUSY: Pace = Pace { clients: 6, habits: Habits { turn: Duration::ZERO, follows: false } };
    /// For faults that last: what is sent is read back one by one in the end.
    pub const STEADY: Pace = Pace { clients: 6, habits: Habits { turn: Duration::from_millis(150), follows: false } };
}

/// Load in progress.
pub struct Trial {
    pub deployment: Arc<Deployment>,
    pub random: Random,
    pub sheet: Sheet,
    clients: Clients,
}

impl Trial {
    /// A team of its own begins to work.
    pub async fn begin(deployment: Arc<Deployment>, pace: Pace, random: Random, sheet: Sheet) -> Self {
        let team = Team::create(deployment.clone(), Plan::UNLIMITED).await;
        let clients = Clients::begin_with(team, pace.clients, pace.habits);
        Trial { deployment, random, sheet, clients }
    }

    /// The process of this name.
    pub fn server(&self, name: &str) -> Server {
        self.deployment.servers().named(name).clone()
    }

    pub fn load(&self) -> Arc<Load> {
        self.clients.load.clone()
    }

    /// Waits until so many more requests are acknowledged.
    pub async fn acknowledge(&self, more: u64) {
        self.count();
        self.clients.acknowledge(more).await;
        self.count();
    }

    /// The same with a number drawn from this range.
    pub async fn acknowledge_some(&mut self, range: std::ops::Range<u64>) {
        let more = self.random.within(range);
        self.acknowledge(more).await;
    }

    /// Lets the fault last so long, while the clients continue as they can.
    pub async fn lasts(&self, long: Duration) {
        let since = Instant::now();
        eventually(4 * long, "time passes", async || {
            self.clients.still_going();
            if since.elapsed() >= long { Ok(()) } else { Err("not yet".to_owned()) }
        })
        .await;
        self.count();
    }

    /// Tells the clients whether the service is down or up again.
    pub fn tell(&self, phase: Phase) {
        self.clients.tell(phase);
    }

    /// The fault is over, once more: waits until every front door takes a record and it can be read, and notes how
    /// long that took.
    pub async fn recovers(&mut self) {
        let (since, load) = (Instant::now(), self.clients.load.clone());
        for door in self.deployment.front_doors() {
            let what = format!("{door} takes a record");
            let run = eventually(RECOVERS, &what, async || {
                self.clients.still_going();
                load.heartbeat_at(door).await
            })
            .await;
            eventually(RECOVERS, "it can be read", async || read_back(&load.team, &run).await).await;
        }
        self.sheet.recovered(since.elapsed());
        self.sheet.open().times += 1;
        self.count();
    }

    /// The clients end, and what is stored is held against the book.
    pub async fn ends(self) -> Arc<Load> {
        let Trial { deployment, sheet, clients, .. } = self;
        let load = clients.end().await;
        count(&load, &deployment, &sheet);
        check(&load, &sheet).await;
        load
    }

    fn count(&self) {
        count(&self.clients.load, &self.deployment, &self.sheet);
    }
}

/// The run as it is read, if it is.
async fn read_back(team: &Team, run: &str) -> Result<(), String> {
    let url = format!("{}/v1/runs/{run}", team.deployment.control);
    match team.client.get(&url).bearer(&team.key).try_send().await {
        Ok(answer) if answer.status == 200 => Ok(()),
        Ok(answer) => Err(answer.to_string()),
        Err(error) => Err(error),
    }
}

/// Holds what is stored against the book, and writes down what is wrong.
pub async fn check(load: &Load, sheet: &Sheet) {
    let (book, team) = (load.book.all(), &load.team);
    let wrong = settle(team, &book).await.err();
    let mut row = sheet.open();
    match wrong {
        None => {}
        Some(Wrong::Missing(sent)) => {
            row.lost += sent.len() as u64;
            row.notes.push(format!("lost, for example: {:?}", &sent[..sent.len().min(3)]));
        }
        Some(other) => {
            row.doubled += 1;
            row.notes.push(format!("{other:?}"));
        }
    }
    assert!(row.peak_bytes < MEMORY_BYTES, "a process held {} MiB", row.peak_bytes >> 20);
}

fn count(load: &Load, deployment: &Deployment, sheet: &Sheet) {
    let ends = load.ends();
    let mut row = sheet.open();
    row.requests = ends.values().sum();
    row.acknowledged = ends.get("2xx").copied().unwrap_or(0);
    row.no_answer = ends.get("no answer").copied().unwrap_or(0);
    row.failed_by_kind = ends.into_iter().filter(|(kind, _)| kind.starts_with('5')).collect();
    let peak = deployment.servers().all().iter().map(|server| server.peak_bytes()).max().unwrap_or(0);
    row.peak_bytes = row.peak_bytes.max(peak);
}
