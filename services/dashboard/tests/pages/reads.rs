//! What pages ask the store for, however many runs there are today.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock};

use async_trait::async_trait;
use tidegate_agentping::{FinishStatus, Run, RunKey, TeamId};
use tidegate_agentping_inproc::registry::MemoryRegistry;
use tidegate_agentping_inproc::runs::MemoryRuns;
use tidegate_agentping_ports::{
    AgentRepeats, AgentRow, AgentSums, EventPage, EventsPage, RunFilter, RunPage, RunQueries, RunsPage, Spend,
};
use tidegate_inproc::clock::TestClock;
use tidegate_kernel::{Month, Position, Timestamp};
use tidegate_ports::StoreError;

use crate::house::*;

/// A store that notes down which runs were asked for.
#[derive(Clone)]
struct Noted {
    runs: MemoryRuns,
    /// The limits of the pages.
    pages: Arc<Mutex<Vec<usize>>>,
    /// The runs that were read by their ids.
    read: Arc<Mutex<Vec<RunKey>>>,
    /// How often a month's spend was summed.
    sums: Arc<AtomicUsize>,
    /// By which a sum or a page of runs takes 100 ms, if it is set.
    clock: Arc<OnceLock<Arc<TestClock>>>,
}

impl Noted {
    fn take_a_while(&self) {
        if let Some(clock) = self.clock.get() {
            clock.advance_ms(100);
        }
    }
}

#[async_trait]
impl RunQueries for Noted {
    async fn run(&self, key: RunKey) -> Result<Option<Run>, StoreError> {
        self.read.lock().unwrap().push(key);
        self.runs.run(key).await
    }
    async fn events(&self, key: RunKey, page: &EventPage) -> Result<EventsPage, StoreError> {
        self.runs.events(key, page).await
    }
    async fn list(
        &self,
        team: TeamId,
        filter: &RunFilter,
        page: &RunPage,
        now: Timestamp,
    ) -> Result<RunsPage, StoreError> {
        self.pages.lock().unwrap().push(page.limit);
        self.take_a_while();
        self.runs.list(team, filter, page, now).await
    }
    async fn agents(&self, team: TeamId) -> Result<Vec<AgentRow>, StoreError> {
        self.runs.agents(team).await
    }
    async fn usage(&self, team: TeamId, month: Month) -> Result<u64, StoreError> {
        self.runs.usage(team, month).await
    }
    async fn repeats(&self, team: TeamId, month: Month) -> Result<Vec<AgentRepeats>, StoreError> {
        self.runs.repeats(team, month).await
    }
    async fn sums_by_agent(
        &self,
        team: TeamId,
        from: Timestamp,
        runs_max: usize,
        now: Timestamp,
    ) -> Result<AgentSums, StoreError> {
        self.runs.sums_by_agent(team, from, runs_max, now).await
    }
    async fn spend(&self, team: TeamId, month: Month, now: Timestamp) -> Result<Spend, StoreError> {
        self.sums.fetch_add(1, Ordering::SeqCst);
        self.take_a_while();
        self.runs.spend(team, month, now).await
    }
}

/// The runs that failed, the oldest ones.
const FAILED: [u128; 2] = [1, 2];

/// A store with 300 runs of one agent today.
async fn busy() -> Noted {
    let runs = MemoryRuns::new(MemoryRegistry::default());
    let (pages, read, sums, clock) = (Arc::default(), Arc::default(), Arc::default(), Arc::default());
    let store = Noted { runs, pages, read, sums, clock };
    for number in 1..=300_u128 {
        let key = RunKey { team: team(1), run: run_id(number) };
        let at = NOON.plus_millis(number as i64 * 1_000 - 3_600_000);
        let mut records = vec![record(key, at, start("busy").customer("globex").at(at))];
        if FAILED.contains(&number) {
            records.push(record(key, at, finish(FinishStatus::Failed).at(at)));
        }
        for (step, record) in records.into_iter().enumerate() {
            let position = Position { generation: 0, partition: 0, offset: number as i64 * 2 + step as i64 };
            persist(&store.runs, [(position, record)]).await.unwrap();
        }
    }
    store
}

/// One page of the latest runs, and of those before it only the newest that failed.
#[tokio::test]
async fn the_overview_reads_one_page_of_runs() {
    let store = busy().await;
    let house = House::on(store.clone()).await;
    let page = house.page("/teams/acme").await;
    let failed = FAILED.map(run_id);
    page.has(&["<dt>Runs today</dt><dd>300</dd>", "298 running, 2 failed", &failed[0].to_string()]);
    assert_eq!(*store.pages.lock().unwrap(), [101]);
    let mut read: Vec<_> = store.read.lock().unwrap().iter().map(|key| key.run).collect();
    read.sort_unstable();
    assert_eq!(read, failed);
}

/// Rules of teams and agents go by sums; runs are read for a rule that goes by customers, and for no other.
#[tokio::test]
async fn guard_reads_runs_for_rules_of_customers_only() {
    let store = busy().await;
    let house = House::on(store.clone()).await;
    let cookie = house.sign_in(KEY_A).await;
    let guard = async || house.get(Some(&cookie), "/teams/acme/guard").await;
    let csrf = guard().await.csrf();
    let add = async |name: &str, spend_of: &str, window: &str| {
        let fields = format!("name={name}&limit_usd=20&spend_of={spend_of}&window={window}&action=warn");
        let made = house.post(Some(&cookie), "/teams/acme/guard/rules", &format!("csrf={csrf}&{fields}")).await;
        assert_eq!(made.location(), Some("/teams/acme/guard"), "{}", made.text);
    };
    add("one", "agent", "day").await;
    add("two", "team", "day").await;
    add("three", "customer", "month").await;
    guard().await.has(&["$0.00, busy", "$0.00, the team", "$0.00, globex"]);
    assert!(store.pages.lock().unwrap().is_empty() && store.read.lock().unwrap().is_empty());
    add("four", "agent_and_customer", "day").await;
    guard().await.has(&["$0.00, busy, globex"]);
    assert_eq!(*store.pages.lock().unwrap(), [501]);
}

/// A month that takes long to sum is not summed for each look at an agent, whose page is renewed every two seconds.
#[tokio::test]
async fn an_agents_month_is_kept_for_a_while() {
    let store = busy().await;
    let house = House::on(store.clone()).await;
    let cookie = house.sign_in(KEY_A).await;
    let look = async || {
        let page = house.get(Some(&cookie), "/teams/acme/agents/busy").await;
        page.has(&["<dt>Runs this month</dt><dd>300</dd>"]);
        store.sums.load(Ordering::SeqCst)
    };
    assert_eq!((look().await, look().await), (1, 2), "what takes no time is not kept");
    assert!(store.clock.set(house.clock.clone()).is_ok());
    assert_eq!((look().await, look().await), (3, 3));
    house.clock.advance_ms(30_000);
    assert_eq!(look().await, 4);
}

/// Where it takes long to look for a run's children, it is not done for each look at the run.
#[tokio::test]
async fn a_runs_children_are_kept_for_a_while() {
    let store = busy().await;
    let house = House::on(store.clone()).await;
    let cookie = house.sign_in(KEY_A).await;
    let path = format!("/teams/acme/runs/{}", run_id(1));
    let look = async || {
        house.get(Some(&cookie), &path).await.has(&["busy", "globex"]);
        store.pages.lock().unwrap().len()
    };
    assert_eq!((look().await, look().await), (1, 2), "what takes no time is not kept");
    assert!(store.clock.set(house.clock.clone()).is_ok());
    assert_eq!((look().await, look().await), (3, 3));
    house.clock.advance_ms(30_000);
    assert_eq!(look().await, 4);
}
