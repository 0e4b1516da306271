//! Front doors and persisters are killed at random moments under load: whatever was acknowledged is stored exactly
//! once with the content sent, and nothing is stored that was not sent.

use tidegate_tests::durability::load::Clients;
use tidegate_tests::durability::{Phase, Random, verdict};
use tidegate_tests::stack::Settings;
use tidegate_tests::{Plan, Target, Team};

use crate::BINARY;

const ROUNDS: u64 = 8;
const CLIENTS: u64 = 6;
/// A round ends after so many acknowledged requests, at least and at most.
const ROUND: std::ops::Range<u64> = 20..150;
const VICTIMS: [&str; 4] = ["ingest-0", "persist-0", "ingest-1", "persist-1"];

/// One of two at a time, so that the other goes on; and in the end all at once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kills_lose_nothing_and_invent_nothing() {
    let mut random = Random::seeded();
    let target = Target::on_the_stack(BINARY, &Settings::default()).await;
    let team = Team::create(target.deployment(), Plan::UNLIMITED).await;
    let clients = Clients::begin(team, CLIENTS);
    let first = random.within(0..4);
    for round in 0..ROUNDS {
        clients.acknowledge(random.within(ROUND)).await;
        let victim = VICTIMS[usize::try_from((first + round) % 4).unwrap()];
        target.servers().named(victim).kill();
        // The rest of the deployment goes on without it.
        clients.acknowledge(random.within(ROUND)).await;
        target.servers().named(victim).start().await;
    }
    clients.acknowledge(random.within(ROUND)).await;
    target.kill().await;
    clients.tell(Phase::Hold);
    target.start().await;
    clients.tell(Phase::Send);
    clients.acknowledge(random.within(ROUND)).await;
    let load = clients.end().await;
    println!("{}", verdict::check(&load.team, &load.book.all()).await);
}
