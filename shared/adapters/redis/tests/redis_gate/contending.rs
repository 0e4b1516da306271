//! Many at once, through two front doors.

use std::sync::Arc;

use tidegate_agentping::{Limits, TeamId};
use tidegate_agentping_ports::gate::OnUnconfirmed;
use tidegate_agentping_ports::{Ask, Claim, ClaimOutcome, Gate, Refused, Seed, Verdict};
use tidegate_redis::{RedisGate, RedisOptions};
use tokio::task::JoinSet;

use crate::asking::{ask, claim, gate, new_team, outcome, run_born};
use crate::server::{clear_away, options, shared_url};

/// The gates of two front doors on one server, and a team that it knows.
struct TwoGates {
    url: String,
    options: RedisOptions,
    gates: [Arc<RedisGate>; 2],
    team: TeamId,
}

impl TwoGates {
    async fn open() -> Self {
        let url = shared_url().await;
        let options = options(&url);
        let gates = [Arc::new(gate(&options)), Arc::new(gate(&options))];
        let team = new_team();
        gates[0].seed(team, Seed::default()).await.unwrap();
        TwoGates { url, options, gates, team }
    }

    async fn close(self) {
        clear_away(&self.url, &self.options).await;
    }
}

async fn all_at_once(gates: &[Arc<RedisGate>], asks: impl Iterator<Item = Ask>) -> Vec<Verdict> {
    let mut tasks = JoinSet::new();
    for (number, ask) in asks.enumerate() {
        let gate = Arc::clone(&gates[number % gates.len()]);
        tasks.spawn(async move { gate.admit(ask).await.unwrap() });
    }
    tasks.join_all().await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_hundred_who_claim_one_id_one_gets_it() {
    let two = TwoGates::open().await;
    let (gates, team) = (&two.gates, two.team);
    let asked = ask(team, vec![]);
    let run = run_born(asked.now);
    let asks = (0..200).map(|number| Ask { claims: vec![claim(run, number % 2)], ..asked.clone() });
    let outcomes: Vec<_> = all_at_once(gates, asks).await.into_iter().map(outcome).collect();
    let new = outcomes.iter().filter(|outcome| matches!(outcome, ClaimOutcome::New { .. })).count();
    let waiting = outcomes.iter().filter(|outcome| matches!(outcome, ClaimOutcome::Unconfirmed { .. })).count();
    assert_eq!((new, waiting), (1, 199));
    let month = tidegate_kernel::Month::of(asked.now);
    assert_eq!(gates[1].usage(team, month).await, Ok(Some(1)), "and it is counted once");
    two.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn holders_who_join_and_leave_at_once_leave_nothing() {
    let two = TwoGates::open().await;
    let (gates, team) = (&two.gates, two.team);
    let asked = ask(team, vec![]);
    let run = run_born(asked.now);
    let mut tasks = JoinSet::new();
    for number in 0..100 {
        let gate = Arc::clone(&gates[number % 2]);
        let joining = Claim { on_unconfirmed: OnUnconfirmed::Join, ..claim(run, 1) };
        let ask = Ask { claims: vec![joining], ..asked.clone() };
        tasks.spawn(async move {
            let Verdict::Admitted { ticket, .. } = gate.admit(ask).await.unwrap() else { panic!("it joins") };
            gate.release(ticket).await;
        });
    }
    tasks.join_all().await;
    let other = Ask { claims: vec![claim(run, 2)], ..asked.clone() };
    assert_eq!(
        outcome(gates[0].admit(other).await.unwrap()),
        ClaimOutcome::New { store: tidegate_agentping_ports::StoreRead::NotNeeded }
    );
    two.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn never_more_than_the_burst_and_the_rate() {
    let two = TwoGates::open().await;
    let (gates, team) = (&two.gates, two.team);
    let limits = Limits { sustained_per_s: Some(40), burst: Some(100), ..Limits::default() };
    let first = Ask { limits, ..ask(team, vec![]) };
    for (after_ms, allowed) in [(0, 100), (1_000, 40), (1_000, 0), (1_500, 20), (60_000, 100)] {
        let now = first.now.plus_millis(after_ms);
        let verdicts = all_at_once(gates, (0..150).map(|_| Ask { now, ..first.clone() })).await;
        let admitted = verdicts.iter().filter(|verdict| matches!(verdict, Verdict::Admitted { .. })).count();
        let refused =
            verdicts.iter().filter(|verdict| matches!(verdict, Verdict::Refused(Refused::Rate { .. }))).count();
        assert_eq!((admitted, refused), (allowed, 150 - allowed), "after {after_ms} ms");
    }
    two.close().await;
}
