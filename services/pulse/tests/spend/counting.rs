//! The sums are those of the runs, whatever comes in which order, and whatever fails in between (AC-11, AC-13).

use std::sync::atomic::Ordering;

use proptest::prelude::*;
use tidegate_agentping::{FinishStatus, HeartbeatStatus, Record, RunKey};
use tidegate_agentping_ports::SpendRow;
use tidegate_agentping_pulse::spend::{SpendScope, SpendWindow};
use tidegate_agentping_testkit::{
    EventWith as _, NOON, StartWith as _, event, finish, heartbeat, record, run_id, start, team,
};
use tidegate_kernel::{Month, Timestamp, Usd};
use tidegate_pulse::spend::SpendRound;

use crate::world::{World, day};

const HOUR_MS: i64 = 3_600_000;
const AGENTS: [&str; 3] = ["daily", "hourly", "a/b ü"];
const CUSTOMERS: [Option<&str>; 3] = [None, Some("acme"), Some("zeta")];

/// One thing that happens.
#[derive(Clone, Debug)]
enum Step {
    Take {
        run: u128,
        team: u128,
        what: What,
    },
    /// A round; and whether a new process makes it, and after how many writes a write fails.
    Round {
        is_new: bool,
        fails_after: Option<usize>,
    },
}

#[derive(Clone, Debug)]
enum What {
    /// Of the agent and customer with these numbers, hours from noon.
    Start(usize, usize, i64),
    Event {
        id: u128,
        cents: u64,
    },
    Finish,
    Heartbeat {
        agent: usize,
        customer: usize,
        cents: u64,
        starts: bool,
    },
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let what =
        prop_oneof![
            (0..3usize, 0..3usize, -30..5i64).prop_map(|(agent, customer, hours)| What::Start(agent, customer, hours)),
            (0..40u128, 0..500u64).prop_map(|(id, cents)| What::Event { id, cents }),
            Just(What::Finish),
            (0..3usize, 0..3usize, 0..500u64, any::<bool>())
                .prop_map(|(agent, customer, cents, starts)| What::Heartbeat { agent, customer, cents, starts }),
        ];
    let take = (0..6u128, 1..3u128, what).prop_map(|(run, team, what)| Step::Take { run, team, what });
    let round = (any::<bool>(), prop::option::of(0..6usize))
        .prop_map(|(is_new, fails_after)| Step::Round { is_new, fails_after });
    prop::collection::vec(prop_oneof![3 => take, 1 => round], 1..60)
}

fn record_of(run: u128, of_team: u128, what: &What) -> Record {
    let key = RunKey { team: team(of_team), run: run_id(run) };
    let usd = |cents: u64| format!("{}.{:02}", cents / 100, cents % 100);
    match what {
        What::Start(agent, customer, hours) => {
            let start = start(AGENTS[*agent]).at(NOON.plus_millis(hours * HOUR_MS));
            let start = CUSTOMERS[*customer].map_or(start.clone(), |customer| start.customer(customer));
            record(key, NOON, start)
        }
        What::Event { id, cents } => record(key, NOON, event(*id).llm("a-model", Some(&usd(*cents)))),
        What::Finish => record(key, NOON, finish(FinishStatus::Success)),
        What::Heartbeat { agent, customer, cents, starts } => {
            let status = if *starts { HeartbeatStatus::Start } else { HeartbeatStatus::Ok };
            let mut heartbeat = heartbeat(AGENTS[*agent], status);
            heartbeat.customer_id = CUSTOMERS[*customer].map(Into::into);
            heartbeat.cost = Some(Usd::parse(&usd(*cents)).unwrap());
            record(key, NOON, heartbeat)
        }
    }
}

/// The rows of a breakdown that cost something.
fn costly(rows: Vec<SpendRow>) -> Vec<(Option<String>, Usd)> {
    let mut rows: Vec<_> = rows.into_iter().map(|row| (row.name, row.cost)).collect();
    rows.retain(|(_, cost)| *cost > Usd::ZERO);
    rows.sort();
    rows
}

async fn play(steps: Vec<Step>) {
    let mut world = World::new();
    let mut keeper = world.keeper();
    for step in steps {
        match step {
            Step::Take { run, team, what } => world.take(record_of(run, team, &what)).await,
            Step::Round { is_new, fails_after } => {
                if is_new {
                    keeper = world.keeper();
                }
                if let Some(writes) = fails_after {
                    world.break_after(writes);
                }
                let _ = world.round(&mut keeper).await;
            }
        }
    }
    // A write that was to fail may still be to come.
    let mut whole = false;
    for _ in 0..8 {
        whole |= world.round(&mut keeper).await.is_ok_and(|round| round.is_whole);
    }
    assert!(whole);
    for number in [1, 2] {
        let (team, month) = (team(number), Month::of(NOON));
        let said = world.spend(team, month).await;
        let sums = world.sums(team, day(month.start())..=day(NOON) + 1).await;
        let spent = |scope: &SpendScope, window| sums.spent(scope, window, NOON.plus_millis(5 * HOUR_MS));
        for window in [SpendWindow::Month, SpendWindow::Total, SpendWindow::Hours(SpendWindow::MAX_HOURS)] {
            assert_eq!(spent(&SpendScope::Team, window), said.total, "{window}");
        }
        let named = |names: &[&str], scope: fn(&str) -> SpendScope| {
            let sum = |name: &&str| (Some((*name).to_owned()), spent(&scope(name), SpendWindow::Month));
            let mut sums: Vec<_> = names.iter().map(sum).filter(|(_, cost)| *cost > Usd::ZERO).collect();
            sums.sort();
            sums
        };
        assert_eq!(named(&AGENTS, |name| SpendScope::Agent(name.into())), costly(said.by_agent));
        let mut by_customer = costly(said.by_customer);
        by_customer.retain(|(name, _)| name.is_some());
        assert_eq!(named(&["acme", "zeta"], |name| SpendScope::Customer(name.into())), by_customer);
        let of_acme =
            AGENTS.map(|agent| spent(&SpendScope::AgentAndCustomer(agent.into(), "acme".into()), SpendWindow::Month));
        assert_eq!(of_acme.into_iter().sum::<Usd>(), spent(&SpendScope::Customer("acme".into()), SpendWindow::Month));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn ac_11_the_sums_are_those_of_the_runs(steps in steps()) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(play(steps));
    }
}

#[tokio::test]
async fn ac_11_it_says_as_of_when_only_once_everything_is_counted() {
    let mut world = World::new();
    let mut keeper = world.keeper();
    let taken = |run, cents| record_of(run, 1, &What::Heartbeat { agent: 0, customer: 1, cents, starts: false });
    world.take(taken(1, 500)).await;
    world.break_after(0);
    assert!(world.round(&mut keeper).await.is_err());
    assert_eq!(world.cursor().await.and_then(|cursor| cursor.as_of), None);
    let round = world.round(&mut keeper).await.unwrap();
    assert_eq!(round.changed.into_iter().collect::<Vec<_>>(), [(team(1), day(NOON))]);
    let as_of = world.cursor().await.unwrap().as_of;
    assert_eq!(as_of, Some(NOON.plus_millis(2_000)));
    let sums = world.sums(team(1), day(NOON)..=day(NOON)).await;
    assert_eq!(sums.spent(&SpendScope::Team, SpendWindow::Day, NOON).to_string(), "5");
    // Older than what is stored already: it does not go back.
    keeper.round(NOON).await.unwrap();
    assert_eq!(world.cursor().await.unwrap().as_of, as_of);
}

#[tokio::test]
async fn two_that_count_at_once_count_nothing_twice() {
    let mut world = World::new();
    let (mut one, mut two) = (world.keeper(), world.keeper());
    for run in 0..50 {
        world.take(record_of(run, 1, &What::Heartbeat { agent: 1, customer: 0, cents: 1, starts: false })).await;
        if run % 3 == 0 {
            world.round(&mut one).await.unwrap();
        }
        if run % 7 == 0 {
            world.round(&mut two).await.unwrap();
        }
    }
    world.round(&mut two).await.unwrap();
    world.round(&mut one).await.unwrap();
    let sums = world.sums(team(1), day(NOON)..=day(NOON)).await;
    assert_eq!(sums.spent(&SpendScope::Agent("hourly".into()), SpendWindow::Day, NOON).to_string(), "0.5");
    assert_eq!(world.cursor().await.unwrap().next.iter().map(|(_, _, next)| next).sum::<i64>(), 50);
}

/// Sums by model are of each call once, also where two count and a write fails; of what came before its run's start nothing
/// is known by model.
#[tokio::test]
async fn what_models_cost_is_counted_once() {
    let mut world = World::new();
    let (mut one, mut two) = (world.keeper(), world.keeper());
    let key = |run| RunKey { team: team(1), run: run_id(run) };
    let month = Month::of(NOON);
    world.take(record(key(1), NOON, start("daily"))).await;
    let calls =
        vec![event(1).llm("small", Some("0.5")), event(2).llm("large", Some("2")), event(3).llm("small", Some("0.25"))];
    world.take(record(key(1), NOON, calls.clone())).await;
    world.round(&mut one).await.unwrap();
    world.take(record(key(1), NOON, calls)).await;
    world.take(record(key(2), NOON, event(4).llm("large", Some("7")))).await;
    world.take(record(key(2), NOON, start("daily"))).await;
    world.take(record(key(2), NOON, event(5).llm("large", Some("1")))).await;
    world.break_after(0);
    assert!(world.round(&mut two).await.is_err());
    for _ in 0..2 {
        world.round(&mut two).await.unwrap();
        world.round(&mut one).await.unwrap();
    }
    let models = world.models(team(1), month).await;
    let models: Vec<(String, String)> = models.into_iter().map(|(model, cost)| (model, cost.to_string())).collect();
    assert_eq!(models, [("large".to_owned(), "3".to_owned()), ("small".to_owned(), "0.75".to_owned())]);
    assert_eq!(world.spend(team(1), month).await.total.to_string(), "10.75");
    assert!(world.models(team(2), month).await.is_empty());
}

/// Each write of a round is a commit, which a data folder syncs.
#[tokio::test]
async fn a_round_stores_the_sums_of_all_partitions_at_once() {
    let mut world = World::new();
    let mut keeper = world.keeper();
    let written = |world: &World| world.rows.writes.load(Ordering::SeqCst);
    world.round(&mut keeper).await.unwrap();
    assert_eq!(written(&world), 1, "up to when nothing was spent");
    for run in 0..30 {
        world.take(record_of(run, 1, &What::Start(1, 0, 0))).await;
        world.take(record_of(run, 1, &What::Event { id: run, cents: 2 })).await;
    }
    let before = written(&world);
    let round = world.round(&mut keeper).await.unwrap();
    assert!(round.is_whole);
    assert_eq!(written(&world) - before, 3, "sums, what changed, and the cursor");
    let sums = world.sums(team(1), day(NOON)..=day(NOON)).await;
    assert_eq!(sums.spent(&SpendScope::Team, SpendWindow::Day, NOON).to_string(), "0.6");
    assert_eq!(world.models(team(1), Month::of(NOON)).await["a-model"].to_string(), "0.6");
}

/// What one round counted before a write failed is in what the next one returns.
#[tokio::test]
async fn a_failed_write_hides_nothing_that_was_counted() {
    for fails_after in 0..3 {
        let mut world = World::new();
        let mut keeper = world.keeper();
        let key = RunKey { team: team(1), run: run_id(1) };
        world.take(record(key, NOON, start("daily"))).await;
        world.take(record(key, NOON, event(1).llm("no-such-model", None))).await;
        world.take(record(key, NOON, event(2).llm("a-model", Some("2")))).await;
        world.break_after(fails_after);
        assert!(world.round(&mut keeper).await.is_err(), "{fails_after}");
        let round = world.round(&mut keeper).await.unwrap();
        assert_eq!((round.unpriced.len(), round.changed.len()), (1, 1), "{fails_after}");
        assert_eq!(world.models(team(1), Month::of(NOON)).await["a-model"].to_string(), "2", "{fails_after}");
    }
}

#[tokio::test]
async fn calls_without_a_rate_are_named() {
    let mut world = World::new();
    let mut keeper = world.keeper();
    let key = RunKey { team: team(1), run: run_id(1) };
    world.take(record(key, NOON, start("daily"))).await;
    world.take(record(key, NOON, event(1).llm("no-such-model", None))).await;
    let round = world.round(&mut keeper).await.unwrap();
    let unpriced: Vec<(Timestamp, String)> =
        round.unpriced.into_iter().map(|((_, _, _, model), at)| (at, model.to_string())).collect();
    assert_eq!(unpriced, [(NOON, "no-such-model".to_owned())]);
    assert!(world.round(&mut keeper).await.unwrap().unpriced.is_empty());
}

/// AC-44: rounds that wait for a store of messages do not grow with the calls: a model is in them once for each month,
/// with its first call.
#[tokio::test]
async fn calls_without_a_rate_are_named_once_a_month() {
    let mut world = World::new();
    let mut keeper = world.keeper();
    let key = RunKey { team: team(1), run: run_id(1) };
    world.take(record(key, NOON, start("daily"))).await;
    let mut rounds = SpendRound::default();
    for (number, days) in (1u128..).zip([2, 0, 1, 40]) {
        let at = NOON.plus_millis(days * 24 * HOUR_MS);
        world.take(record(key, at, event(number).llm("no-such-model", None))).await;
        rounds.add(world.round(&mut keeper).await.unwrap());
    }
    let firsts: Vec<Timestamp> = rounds.unpriced.into_values().collect();
    assert_eq!(firsts, [NOON, NOON.plus_millis(40 * 24 * HOUR_MS)]);
}
