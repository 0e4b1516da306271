//! The same on a Redis cluster: a call whose keys were not all in one slot would be refused there.

use std::time::Duration;

use tidegate_agentping_ports::{Gate, Seed};
use tidegate_redis::RedisOptions;

use crate::asking::{ask, ask_seeding, at_once, gate, new_team};
use crate::server::{DEADLINE, OwnRedis, options, wait_until};

fn cluster_options(redis: &OwnRedis) -> RedisOptions {
    RedisOptions { cluster: true, ..options(redis.url()) }
}

#[tokio::test]
async fn it_does_what_every_gate_does_on_a_cluster() {
    let redis = OwnRedis::start_cluster().await;
    let options = cluster_options(&redis);
    tidegate_agentping_conformance::gate::every_case(async || gate(&options)).await;
}

#[tokio::test]
async fn a_cluster_that_hangs_is_down_until_it_goes_on() {
    let redis = OwnRedis::start_cluster().await;
    let soon = Duration::from_millis(100);
    let options = RedisOptions { connect_timeout: soon, response_timeout: soon, ..cluster_options(&redis) };
    let gate = gate(&options);
    let team = new_team();
    wait_until("the gate is up", async || ask_seeding(&gate, ask(team, vec![])).await.is_ok()).await;
    redis.pause();
    wait_until("the gate knows that it is down", async || {
        // Drives it on: a cluster is given up after some calls that broke.
        let asked = tokio::time::timeout(DEADLINE, gate.admit(ask(team, vec![]))).await;
        assert!(asked.expect("a hang is an error").is_err());
        matches!(at_once(gate.admit(ask(team, vec![]))), Some(Err(_)))
    })
    .await;
    redis.resume();
    wait_until("the gate is up again", async || ask_seeding(&gate, ask(team, vec![])).await.is_ok()).await;
}

#[tokio::test]
async fn a_cluster_that_was_away_is_found_again() {
    let mut redis = OwnRedis::start_cluster().await;
    let gate = gate(&cluster_options(&redis));
    let team = new_team();
    gate.seed(team, Seed::default()).await.unwrap();
    redis.kill();
    wait_until("the gate is down", async || ask_seeding(&gate, ask(team, vec![])).await.is_err()).await;
    redis.launch().await;
    redis.await_cluster().await;
    wait_until("the gate is up again", async || ask_seeding(&gate, ask(team, vec![])).await.is_ok()).await;
}
