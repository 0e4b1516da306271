//! One front door and everything around it, each part breakable.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use bytes::Bytes;
use tidegate_admission::{Acceptance, Admission, AdmissionConfig, AdmissionPorts, Caller, Refusal, Submission};
use tidegate_agentping::{
    Body, Credential, CredentialHash, Event, EventId, Limits, Plan, RateCard, Record, Run, RunId, RunKey, RunState,
    Scope, Slug, TeamId,
};
use tidegate_agentping_inproc::gate::{MemoryGate, MemoryGateConfig};
use tidegate_agentping_ports::{
    AgentRepeats, AgentRow, Agents, CredentialRecord, Credentials, EventPage, EventsPage, Gate, Rates, RunFilter,
    RunPage, RunQueries, RunWanted, RunsPage, Spend, StoredRun, StoredSummary,
};
use tidegate_agentping_testkit::{EventWith as _, event, team};
use tidegate_inproc::accounts::MemoryAccounts;
use tidegate_inproc::clock::TestClock;
use tidegate_kernel::{LogKey, Month, Partition, Position, Region, Timestamp};
use tidegate_ports::{Account, Append, AppendError, Clock, Lag, LogError, PartitionLag, ReadLag, StoreError};

pub use crate::bodies::{finish, finish_with, heartbeat, idle_start, slug, start};

/// The middle of a month.
pub const NOW: Timestamp = Timestamp::from_millis(1_781_524_800_000);
pub const TEAM: TeamId = team(7);

/// What happens to the next appends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Appends {
    Work,
    FailForCertain,
    /// The outcome stays unknown; the record is lost or reaches the log.
    Lost,
    Landed,
    TooLarge,
    Hang,
}

/// Log, store and registry.
pub struct Backend {
    clock: Arc<TestClock>,
    state: Mutex<State>,
    pub accounts: MemoryAccounts,
    pub look_ups: AtomicU32,
    pub store_reads: AtomicU32,
}

pub struct State {
    pub log: Vec<(Record, Timestamp)>,
    pub applied: usize,
    pub runs: HashMap<RunKey, RunState>,
    pub appends: Appends,
    pub store_down: bool,
    pub store_hangs: bool,
    pub credentials: HashMap<CredentialHash, CredentialRecord>,
    pub own_rates: RateCard,
    /// What the log says of its partitions instead of what is true.
    pub lags: Option<Vec<PartitionLag>>,
    pub partitions: u32,
    pub lag_down: bool,
    pub archived: Vec<Slug>,
    /// Done once, before whoever reads the agents gets them.
    pub after_agents_are_read: Option<std::pin::Pin<Box<dyn Future<Output = ()> + Send>>>,
}

/// `[committed, end)` waits in a partition that has no account.
pub fn partition_lag(partition: Partition, committed: i64, end: i64) -> PartitionLag {
    PartitionLag {
        generation: 1,
        partition,
        first: 0,
        committed,
        accounted: 0,
        end,
        oldest_appended_at: None,
        log_time: None,
    }
}

impl Backend {
    pub fn with<T>(&self, act: impl FnOnce(&mut State) -> T) -> T {
        act(&mut self.state.lock().unwrap())
    }

    /// The consumer applies all that is on the log.
    pub fn apply(&self) {
        self.with(|state| {
            for (record, _) in state.log[state.applied..].iter().cloned() {
                state.runs.entry(record.key()).or_default().apply(record);
            }
            state.applied = state.log.len();
        });
    }

    async fn store<T: Send>(&self, read: impl FnOnce(&State) -> T + Send) -> Result<T, StoreError> {
        self.store_reads.fetch_add(1, Ordering::SeqCst);
        if self.with(|state| state.store_hangs) {
            std::future::pending::<()>().await;
        }
        self.with(|state| match state.store_down {
            true => Err(StoreError::Unavailable("switched off".into())),
            false => Ok(read(state)),
        })
    }
}

#[async_trait]
impl Append for Backend {
    async fn append(&self, key: LogKey, record: Bytes) -> Result<Position, AppendError> {
        let appends = self.with(|state| state.appends);
        tokio::task::yield_now().await;
        match appends {
            Appends::Hang => std::future::pending().await,
            Appends::FailForCertain => return Err(AppendError::NotPersisted("full".into())),
            Appends::Lost => return Err(AppendError::Unknown("lost".into())),
            Appends::TooLarge => return Err(AppendError::TooLarge { bytes: record.len(), cap: 10 }),
            Appends::Work | Appends::Landed => {}
        }
        let record = Record::decode(&record).unwrap();
        assert_eq!(record.key().log_key(), key);
        let now = self.clock.now();
        let offset = self.with(|state| {
            state.log.push((record, now));
            state.log.len() as i64 - 1
        });
        match appends {
            Appends::Landed => Err(AppendError::Unknown("landed".into())),
            _ => Ok(Position { generation: 1, partition: self.partition_of(key), offset }),
        }
    }

    fn partition_of(&self, key: LogKey) -> Partition {
        key.partition(self.with(|state| state.partitions))
    }
}

#[async_trait]
impl ReadLag for Backend {
    async fn read(&self) -> Result<Lag, LogError> {
        let read_at = self.clock.now();
        Ok(Lag::over(&self.partitions(&[]).await?, read_at))
    }

    async fn partitions(&self, accounts: &[Account]) -> Result<Vec<PartitionLag>, LogError> {
        if self.with(|state| state.lag_down) {
            return Err(LogError::Unavailable("switched off".into()));
        }
        let (now, mut lags) = (self.clock.now(), self.with(|state| state.lags.clone()));
        for lag in lags.iter_mut().flatten() {
            lag.accounted = PartitionLag::accounted_in(accounts, lag.generation, lag.partition);
            if lag.accounted > lag.committed {
                // The oldest is another one then, a young one.
                lag.oldest_appended_at = lag.log_time;
            }
        }
        let oldest = |state: &State| state.log.get(state.applied).map(|(_, at)| *at);
        let of_all = |state: &mut State| PartitionLag {
            committed: state.applied as i64,
            oldest_appended_at: oldest(state),
            log_time: oldest(state).map(|_| now),
            ..partition_lag(0, 0, state.log.len() as i64)
        };
        Ok(lags.unwrap_or_else(|| vec![self.with(of_all)]))
    }
}

#[async_trait]
impl StoredSummary for Backend {
    async fn stored(&self, wanted: RunWanted) -> Result<StoredRun, StoreError> {
        self.store(|state| StoredRun {
            run: state.runs.get(&wanted.key).map(|run| run.run.clone()),
            ..StoredRun::default()
        })
        .await
    }

    async fn event_owners(&self, team: TeamId, events: &[EventId]) -> Result<Vec<(EventId, RunId, u64)>, StoreError> {
        let owner = |state: &State, id: &EventId| {
            let mut runs = state.runs.iter().filter(|(key, _)| key.team == team);
            runs.find_map(|(key, run)| run.known_events.get(id).map(|content| (*id, key.run, *content)))
        };
        self.store(|state| events.iter().filter_map(|id| owner(state, id)).collect()).await
    }
}

#[async_trait]
impl Agents for Backend {
    async fn slugs(&self, team: TeamId) -> Result<Vec<Slug>, StoreError> {
        let slug = |run: &Run| run.opening().map(|opening| opening.start.agent.clone());
        let read = |state: &State| -> Vec<Slug> {
            let slugs = state.runs.iter().filter(|(key, _)| key.team == team).filter_map(|(_, run)| slug(&run.run));
            slugs.filter(|slug| !state.archived.contains(slug)).collect()
        };
        let found = self.store(read).await;
        let then = self.with(|state| state.after_agents_are_read.take());
        then.unwrap_or_else(|| Box::pin(async {})).await;
        found
    }
}

#[async_trait]
impl RunQueries for Backend {
    async fn usage(&self, team: TeamId, month: Month) -> Result<u64, StoreError> {
        let of_team = |state: &State| {
            state.runs.iter().filter(|(key, _)| key.team == team).map(|(_, run)| run.run.units_in(month)).sum()
        };
        self.store(of_team).await
    }

    async fn run(&self, _: RunKey) -> Result<Option<Run>, StoreError> {
        unreachable!("admission does not read runs")
    }
    async fn events(&self, _: RunKey, _: &EventPage) -> Result<EventsPage, StoreError> {
        unreachable!("admission does not read events")
    }
    async fn list(&self, _: TeamId, _: &RunFilter, _: &RunPage, _: Timestamp) -> Result<RunsPage, StoreError> {
        unreachable!("admission does not list")
    }
    async fn agents(&self, team: TeamId) -> Result<Vec<AgentRow>, StoreError> {
        let slugs: std::collections::BTreeSet<Slug> = self.slugs(team).await?.into_iter().collect();
        Ok(slugs.into_iter().map(|slug| AgentRow::seen(team, slug, NOW)).collect())
    }
    async fn repeats(&self, _: TeamId, _: Month) -> Result<Vec<AgentRepeats>, StoreError> {
        unreachable!("admission does not count repeats")
    }
    async fn spend(&self, _: TeamId, _: Month, _: Timestamp) -> Result<Spend, StoreError> {
        unreachable!("admission does not sum")
    }
}

#[async_trait]
impl Credentials for Backend {
    async fn find(&self, hash: &CredentialHash) -> Result<Option<CredentialRecord>, StoreError> {
        self.look_ups.fetch_add(1, Ordering::SeqCst);
        tokio::task::yield_now().await;
        self.store(|state| state.credentials.get(hash).cloned()).await
    }
}

#[async_trait]
impl Rates for Backend {
    async fn own_rates(&self, _: TeamId) -> Result<Arc<RateCard>, StoreError> {
        self.store(|state| Arc::new(state.own_rates.clone())).await
    }
}

/// A front door in its surroundings.
pub struct World {
    pub clock: Arc<TestClock>,
    pub backend: Arc<Backend>,
    pub admission: Arc<Admission>,
    pub caller: Caller,
    tail: AtomicU32,
}

impl World {
    /// On an in-process gate, without limits.
    pub fn new() -> Self {
        World::on(Arc::new(MemoryGate::default()))
    }

    pub fn limited(limits: Limits) -> Self {
        let mut world = World::new();
        world.caller.plan = Plan::Enterprise(limits);
        world
    }

    pub fn on(gate: Arc<dyn Gate>) -> Self {
        let clock = Arc::new(TestClock::at(NOW));
        let state = State {
            log: vec![],
            applied: 0,
            runs: HashMap::new(),
            appends: Appends::Work,
            store_down: false,
            store_hangs: false,
            credentials: HashMap::new(),
            own_rates: RateCard::default(),
            lags: None,
            partitions: 1,
            lag_down: false,
            archived: vec![],
            after_agents_are_read: None,
        };
        let backend = Arc::new(Backend {
            clock: Arc::clone(&clock),
            state: Mutex::new(state),
            accounts: MemoryAccounts::default(),
            look_ups: AtomicU32::new(0),
            store_reads: AtomicU32::new(0),
        });
        let (plan, credential) = (Plan::Enterprise(Limits::default()), CredentialHash([7; 32]));
        let caller = Caller { team: TEAM, plan, scope: Scope::Team, key: None, credential, names: Arc::default() };
        let admission = door(&clock, &backend, gate);
        World { clock, backend, admission, caller, tail: AtomicU32::new(1) }
    }

    /// The process is started again: its gate remembers nothing from before.
    pub fn restart(&mut self) {
        let remembers_since = Some(self.clock.now().plus_millis(120_000));
        let gate = MemoryGate::new(MemoryGateConfig { remembers_since, ..MemoryGateConfig::default() });
        self.admission = door(&self.clock, &self.backend, Arc::new(gate));
    }

    pub async fn send(&self, run: RunId, body: Body) -> Result<Acceptance, Refusal> {
        self.admission.accept(&self.caller, self.submission(run, body)).await
    }

    /// Sends in a task of its own, as a front door does.
    pub fn spawn(&self, run: RunId, body: Body) -> tokio::task::JoinHandle<Result<Acceptance, Refusal>> {
        let (admission, caller) = (Arc::clone(&self.admission), self.caller.clone());
        let submission = self.submission(run, body);
        tokio::spawn(async move { admission.accept(&caller, submission).await })
    }

    pub fn submission(&self, run: RunId, body: Body) -> Submission {
        Submission { run, minted: false, received_at: self.clock.now(), body }
    }

    /// Leaves a claim as a front door does that dies while its record is in progress.
    pub async fn die_while_appending(&self, run: RunId, body: Body) {
        self.appends(Appends::Hang);
        let task = self.spawn(run, body);
        for _ in 0..20 {
            tokio::task::yield_now().await;
        }
        task.abort();
        assert!(task.await.unwrap_err().is_cancelled());
        self.appends(Appends::Work);
    }

    pub fn appends(&self, appends: Appends) {
        self.backend.with(|state| state.appends = appends);
    }

    pub fn store_down(&self, down: bool) {
        self.backend.with(|state| state.store_down = down);
    }

    pub fn logged(&self) -> usize {
        self.backend.with(|state| state.log.len())
    }

    pub fn last_body(&self) -> Body {
        self.backend.with(|state| state.log.last().unwrap().0.body.clone())
    }
    pub fn run(&self) -> RunId {
        let tail = u128::from(self.tail.fetch_add(1, Ordering::SeqCst));
        RunId::from_bits(Region::Eu, ((self.clock.now().as_millis() as u128) << 80) | tail)
    }

    pub fn event(&self, content_hash: u64) -> Event {
        event(self.run().bits()).at(NOW).hash(content_hash)
    }

    pub fn stored(&self, run: RunId) -> Run {
        self.backend.apply();
        self.backend.with(|state| state.runs[&RunKey { team: TEAM, run }].run.clone())
    }

    pub fn add_credential(&self, text: &str, scope: Scope, expires_at: Option<Timestamp>) {
        let record =
            CredentialRecord { team: TEAM, plan: Plan::Team, scope, key: None, expires_at, names: Arc::default() };
        let hash = Credential::parse(text).unwrap().hash();
        self.backend.with(|state| state.credentials.insert(hash, record));
    }
}

fn door(clock: &Arc<TestClock>, backend: &Arc<Backend>, gate: Arc<dyn Gate>) -> Arc<Admission> {
    let ports = AdmissionPorts {
        clock: Arc::clone(clock) as _,
        credentials: Arc::clone(backend) as _,
        rates: Arc::clone(backend) as _,
        agents: Arc::clone(backend) as _,
        usage: Arc::clone(backend) as _,
        stored: Arc::clone(backend) as _,
        gate,
        append: Arc::clone(backend) as _,
        lag: Arc::clone(backend) as _,
        accounts: Arc::new(backend.accounts.clone()),
    };
    let mut config = AdmissionConfig::new(Region::Eu);
    // A busy machine may keep a request from going on for a while.
    config.timeouts.send_within_ms = 60_000;
    config.timeouts.claim_wait_ms = 20;
    config.timeouts.append_ms = 200;
    config.timeouts.gate_ms = 50;
    Arc::new(Admission::new(ports, config))
}
