//! When quotas are compared: sums of months may be slow to read, or not be readable (AC-44).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use tidegate_agentping::{Limits, Plan, Run, RunKey, TeamId};
use tidegate_agentping_inproc::registry::MemoryRegistry;
use tidegate_agentping_inproc::runs::MemoryRuns;
use tidegate_agentping_ports::{
    AgentRepeats, AgentRow, EventPage, EventsPage, Registry, RunFilter, RunPage, RunQueries, RunsPage, Spend, Team,
};
use tidegate_agentping_testkit::{NOON, team};
use tidegate_inproc::clock::TestClock;
use tidegate_inproc::documents::MemoryDocuments;
use tidegate_kernel::{Month, Timestamp};
use tidegate_mirror::Mirror;
use tidegate_ports::{Clock, StoreError};
use tidegate_pulse::spend::{SpendAlert, SpendRound, SpendWatch};

use crate::world::{World, broken};

/// Teams, each with a plan of 100 events.
struct Teams {
    clock: Arc<TestClock>,
    usages: Arc<Usages>,
    watch: SpendWatch,
}

/// Reads of a month's events that take a while.
struct Usages {
    clock: Arc<TestClock>,
    /// What each team has; `None`: it cannot be read.
    events: Mutex<BTreeMap<TeamId, Option<u64>>>,
    takes_ms: i64,
    asked: Mutex<Vec<TeamId>>,
}

impl Teams {
    async fn new(events: &[(u128, Option<u64>)], takes_ms: i64) -> Self {
        let (world, registry) = (World::new(), MemoryRegistry::default());
        let plan = Plan::Enterprise(Limits { events_per_month: Some(100), ..Limits::default() });
        for (number, _) in events {
            let name = format!("team-{number}");
            let of = Team { id: team(*number), name, plan, created_at: NOON, archived_at: None };
            registry.create_team(of).await.unwrap();
        }
        let clock = world.clock.clone();
        let events = events.iter().map(|(number, events)| (team(*number), *events)).collect();
        let (events, asked) = (Mutex::new(events), Mutex::default());
        let usages = Arc::new(Usages { clock: clock.clone(), events, takes_ms, asked });
        let documents = Arc::new(MemoryDocuments::new(clock.clone()));
        let settings = Mirror::read(documents, clock.clone()).await.unwrap();
        let watch = SpendWatch::new(world.rows, usages.clone(), Arc::new(registry), settings, clock.clone());
        Teams { clock, usages, watch }
    }

    /// All teams report something. Returns the alerts, as team and percent, and which teams were read.
    async fn round(&mut self) -> (Vec<(TeamId, u32)>, Vec<TeamId>) {
        let month = Month::of(self.clock.now());
        let active: BTreeSet<_> = self.usages.events.lock().unwrap().keys().map(|team| (*team, month)).collect();
        let alerts = self.watch.judge(&SpendRound { active, ..SpendRound::default() }, self.clock.now()).await.unwrap();
        self.watch.stored(&alerts);
        let of = |alert: &SpendAlert| match alert {
            SpendAlert::Quota { team, percent, .. } => (*team, *percent),
            other => panic!("{other:?}"),
        };
        (alerts.iter().map(of).collect(), std::mem::take(&mut *self.usages.asked.lock().unwrap()))
    }
}

#[tokio::test]
async fn ac_44_a_month_with_nothing_left_to_find_is_not_read() {
    let mut teams = Teams::new(&[(1, Some(150)), (2, Some(149))], 0).await;
    let (found, _) = teams.round().await;
    assert_eq!(found, [(team(1), 80), (team(1), 100), (team(1), 150), (team(2), 80), (team(2), 100)]);
    teams.clock.advance_ms(3_000);
    assert_eq!(teams.round().await, (vec![], vec![team(2)]));
    assert!(!teams.watch.is_due());
}

#[tokio::test]
async fn ac_44_a_team_that_cannot_be_read_stops_no_other() {
    let mut teams = Teams::new(&[(1, None), (2, Some(80))], 0).await;
    assert_eq!(teams.round().await.0, [(team(2), 80)]);
    assert!(teams.watch.is_due(), "it is asked again");
    teams.usages.events.lock().unwrap().insert(team(1), Some(80));
    teams.clock.advance_ms(3_000);
    assert_eq!(teams.round().await.0, [(team(1), 80)]);
}

#[tokio::test]
async fn ac_44_a_slow_team_is_read_seldom() {
    let mut teams = Teams::new(&[(1, Some(1))], 500).await;
    assert_eq!(teams.round().await.1, [team(1)]);
    teams.clock.advance_ms(9_999);
    assert!(teams.round().await.1.is_empty());
    teams.clock.advance_ms(1);
    assert_eq!(teams.round().await.1, [team(1)]);
}

#[tokio::test]
async fn ac_44_a_round_reads_for_a_second_and_the_next_one_goes_on() {
    let mut teams = Teams::new(&[(1, Some(1)), (2, Some(1)), (3, Some(1)), (4, Some(1)), (5, Some(1))], 400).await;
    assert!(teams.watch.mark());
    assert_eq!(teams.round().await.1, [1, 2, 3].map(team));
    assert!(teams.watch.mark(), "nothing waited at the last mark");
    assert_eq!(teams.round().await.1, [4, 5].map(team));
    assert!(teams.watch.is_due(), "the first ones wait again");
    assert!(teams.watch.mark(), "those that waited at the last mark are compared");
    assert!(!teams.watch.mark(), "those that wait now are not");
}

#[async_trait]
impl RunQueries for Usages {
    async fn usage(&self, team: TeamId, _: Month) -> Result<u64, StoreError> {
        self.clock.advance_ms(self.takes_ms);
        self.asked.lock().unwrap().push(team);
        let events = self.events.lock().unwrap().get(&team).copied().flatten();
        events.ok_or_else(broken)
    }

    async fn run(&self, key: RunKey) -> Result<Option<Run>, StoreError> {
        MemoryRuns::default().run(key).await
    }

    async fn events(&self, key: RunKey, page: &EventPage) -> Result<EventsPage, StoreError> {
        MemoryRuns::default().events(key, page).await
    }

    async fn list(
        &self,
        team: TeamId,
        filter: &RunFilter,
        page: &RunPage,
        now: Timestamp,
    ) -> Result<RunsPage, StoreError> {
        MemoryRuns::default().list(team, filter, page, now).await
    }

    async fn agents(&self, team: TeamId) -> Result<Vec<AgentRow>, StoreError> {
        MemoryRuns::default().agents(team).await
    }

    async fn repeats(&self, team: TeamId, month: Month) -> Result<Vec<AgentRepeats>, StoreError> {
        MemoryRuns::default().repeats(team, month).await
    }

    async fn spend(&self, team: TeamId, month: Month, now: Timestamp) -> Result<Spend, StoreError> {
        MemoryRuns::default().spend(team, month, now).await
    }
}
