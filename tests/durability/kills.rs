//! The load, the twenty kills, and the verdict.

use tidegate_tests::durability::load::Clients;
use tidegate_tests::durability::{Phase, Random, verdict};
use tidegate_tests::{Plan, Target, Team};

use crate::PROGRAM;

const KILLS: u64 = 20;
const CLIENTS: u64 = 8;
/// A round ends after so many acknowledged requests, at least and at most.
const ROUND: std::ops::Range<u64> = 20..150;

/// AP-67, at length.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn twenty_kills_lose_nothing_and_invent_nothing() {
    let mut random = Random::seeded();
    let target = Target::own(PROGRAM).await;
    let team = Team::create(target.deployment(), Plan::UNLIMITED).await;
    let clients = Clients::begin(team, CLIENTS);
    for _ in 0..KILLS {
        clients.acknowledge(random.within(ROUND)).await;
        // While requests are under way: that is the moment of interest.
        target.kill().await;
        clients.tell(Phase::Hold);
        target.start().await;
        clients.tell(Phase::Send);
    }
    let load = clients.end().await;
    println!("{}", verdict::check(&load.team, &load.book.all()).await);
}
