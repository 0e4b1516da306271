//! What every test here stands on: a log with records, a store, persisters, and waiting for a level.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tidegate_agentping::{Event, FinishStatus, Record, RunKey, RunState};
use tidegate_agentping_inproc::noted_accounts::MemoryNotedAccounts;
use tidegate_agentping_inproc::runs::MemoryRuns;
use tidegate_agentping_ports::{EventPage, EventRow, NotedAccounts, RunQueries, Runs};
pub use tidegate_agentping_testkit::key;
use tidegate_agentping_testkit::{
    AFTERNOON, EventWith as _, FinishWith as _, StartWith as _, event, finish, record, start,
};
use tidegate_inproc::dead_letters::MemoryDeadLetters;
use tidegate_inproc::log::{MemoryLog, MemoryLogOptions};
use tidegate_kernel::{Position, Timestamp};
use tidegate_persister::{BrakeRules, Persister, PersisterConfig, StopReport};
use tidegate_ports::{Append, Clock, Consume, DeadLetters, ReadLag, SystemClock};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

pub const GROUP: &str = "persister";

pub struct Rig {
    pub log: MemoryLog,
    pub runs: MemoryRuns,
    pub accounts: MemoryNotedAccounts,
    pub dead_letters: MemoryDeadLetters,
    /// Small budgets, so that pausing and resuming happen.
    pub config: PersisterConfig,
}

/// What one persister stands on.
pub struct Ports {
    pub log: Box<dyn Consume>,
    pub runs: Arc<dyn Runs>,
    pub accounts: Arc<dyn NotedAccounts>,
    pub dead_letters: Arc<dyn DeadLetters>,
}

impl Rig {
    pub fn new() -> Self {
        // A drain that the machine holds up is in time all the same.
        Rig::waiting_for_drains(Duration::from_secs(30))
    }

    /// One whose group waits so long for a member that is to give a partition up.
    pub fn waiting_for_drains(revocation_deadline: Duration) -> Self {
        let options = MemoryLogOptions { revocation_deadline, ..MemoryLogOptions::default() };
        Rig {
            log: MemoryLog::new(options, Arc::new(SystemClock)),
            runs: MemoryRuns::default(),
            accounts: MemoryNotedAccounts::default(),
            dead_letters: MemoryDeadLetters::default(),
            config: PersisterConfig {
                api: None,
                poll_bytes: 2_000,
                high_mark_bytes: 6_000,
                low_mark_bytes: 3_000,
                linger: Duration::from_millis(1),
                settle_every: Duration::from_millis(2),
                drain_deadline: Duration::from_secs(60),
                brake: BrakeRules::default(),
                max_records_of_key: None,
            },
        }
    }

    /// The rig's own.
    pub fn ports(&self) -> Ports {
        Ports {
            log: Box::new(self.log.consumer(GROUP)),
            runs: Arc::new(self.runs.clone()),
            accounts: Arc::new(self.accounts.clone()),
            dead_letters: Arc::new(self.dead_letters.clone()),
        }
    }

    pub async fn append(&self, record: &Record) {
        self.log.append(record.key().log_key(), Bytes::from(record.encode())).await.expect("appended");
    }

    /// Appends the record twice, and returns where the second one stands.
    pub async fn append_twice(&self, record: &Record) -> Position {
        self.append(record).await;
        self.log.append(record.key().log_key(), Bytes::from(record.encode())).await.expect("appended")
    }

    /// Starts a persister on the rig's own store.
    pub fn start(&self) -> Running {
        self.start_on(Arc::new(self.runs.clone()))
    }

    /// The same, as a member of another group.
    pub fn start_in(&self, group: &str) -> Running {
        self.start_with(Ports { log: Box::new(self.log.consumer(group)), ..self.ports() })
    }

    pub fn start_on(&self, runs: Arc<dyn Runs>) -> Running {
        self.start_with(Ports { runs, ..self.ports() })
    }

    pub fn start_with(&self, ports: Ports) -> Running {
        Self::run(self.persister(ports))
    }

    /// Starts one that reads again what the store loses.
    pub fn start_reading_again(&self) -> Running {
        Self::run(self.persister(self.ports()).reading_again_from(Some(Arc::new(self.log.clone()))))
    }

    fn persister(&self, ports: Ports) -> Persister {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let Ports { log, runs, accounts, dead_letters } = ports;
        Persister::new(log, runs, accounts, dead_letters, clock, self.config).with_ends(Arc::new(self.log.lag(GROUP)))
    }

    pub fn run(persister: Persister) -> Running {
        let (stop, stopped) = oneshot::channel::<()>();
        let stalled = persister.stalled();
        let task = tokio::spawn(persister.run(async move {
            let _ = stopped.await;
        }));
        Running { stop, task, stalled }
    }

    /// Waits until everything on the log is committed.
    pub async fn caught_up(&self) {
        let lag = self.log.lag(GROUP);
        eventually("the persister catches up", async || lag.read().await.expect("a reading").records == 0).await;
    }

    pub async fn stored(&self, key: RunKey) -> Option<(tidegate_agentping::Run, Vec<EventRow>)> {
        let run = self.runs.run(key).await.expect("the store in memory answers")?;
        let page = self.runs.events(key, &EventPage::WHOLE).await.expect("the store in memory answers");
        Some((run, page.rows))
    }

    /// What the fold of the whole log says of a run, with its events by id: what the store must hold.
    pub fn folded(&self, key: RunKey) -> (tidegate_agentping::Run, Vec<EventRow>) {
        let mut state = RunState::default();
        let mut events = Vec::new();
        for consumed in (0..4).flat_map(|partition| self.log.records(partition)) {
            let Ok(record) = Record::decode(&consumed.payload) else { continue };
            if record.key() == key {
                let received_at = record.received_at;
                let new_events = state.apply(record).new_events;
                events.extend(new_events.into_iter().map(|event| EventRow { event, received_at }));
            }
        }
        events.sort_by_key(|row| row.event.id);
        (state.run, events)
    }

    /// The store holds exactly the fold of the log, run by run.
    pub async fn assert_store_is_the_fold(&self, keys: impl IntoIterator<Item = RunKey>) {
        for key in keys {
            let expected = self.folded(key);
            assert_eq!(self.stored(key).await, Some(expected), "run {}", key.run);
        }
    }
}

pub struct Running {
    pub stalled: tokio::sync::watch::Receiver<Vec<tidegate_persister::Stalled>>,
    stop: oneshot::Sender<()>,
    task: JoinHandle<StopReport>,
}

impl Running {
    pub async fn stop(self) -> StopReport {
        let _ = self.stop.send(());
        self.task.await.expect("the persister does not panic")
    }

    /// As a `kill -9` would: nothing more is applied by the loop, nothing committed.
    pub async fn kill(self) {
        self.task.abort();
        let _ = self.task.await;
    }
}

pub async fn eventually(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let mut tick = tokio::time::interval(Duration::from_millis(2));
    let waited = tokio::time::timeout(Duration::from_secs(60), async {
        while !holds().await {
            tick.tick().await;
        }
    });
    waited.await.unwrap_or_else(|_| panic!("not within a minute: {what}"));
}

fn at(millis: u128) -> Timestamp {
    AFTERNOON.plus_millis(i64::try_from(millis).expect("small"))
}

/// Everything that is sent of run number `run`: a start, `batches` batches of three events, a finish.
pub fn records_of(run: u128, batches: u128) -> Vec<Record> {
    let key = key(run);
    let event = |number: u128| event(run * 1_000 + number).at(at(number)).llm("m", Some("0.5")).hash(7);
    let batch = |number: u128| -> Vec<Event> { (number * 3..number * 3 + 3).map(event).collect() };
    let mut records = vec![record(key, at(run), start("a").at(at(run)))];
    records.extend((0..batches).map(|number| record(key, at(run + number), batch(number))));
    records.push(record(key, at(run + 500), finish(FinishStatus::Success).at(at(run + 1_000))));
    records
}
