//! The same on a Redis cluster: a call whose keys were not all in one slot would be refused there.

use tidegate_ports::Seed;
use tidegate_redis::RedisOptions;

use crate::asking::{ask, ask_seeding, gate, new_team};
use crate::server::{OwnRedis, options, wait_until};

fn cluster_options(redis: &OwnRedis) -> RedisOptions {
    RedisOptions { cluster: true, ..options(redis.url()) }
}

#[tokio::test]
async fn it_does_what_every_gate_does_on_a_cluster() {
    let redis = OwnRedis::start_cluster().await;
    let options = cluster_options(&redis);
    tidegate_ports::conformance::gate::every_case(async || gate(&options)).await;
}

#[tokio::test]
async fn a_cluster_that_was_away_is_found_again() {
    let mut redis = OwnRedis::start_cluster().await;
    let gate = gate(&cluster_options(&redis));
    let team = new_team();
    tidegate_ports::Gate::seed(&gate, team, Seed::default()).await.unwrap();
    redis.kill();
    wait_until("the gate is down", async || ask_seeding(&gate, ask(team, vec![])).await.is_err()).await;
    redis.launch().await;
    redis.await_cluster().await;
    wait_until("the gate is up again", async || ask_seeding(&gate, ask(team, vec![])).await.is_ok()).await;
}
