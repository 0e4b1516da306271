//! AgentGate killed at random moments under load: each submission that was answered with `201` is one run, readable and
//! charged once, what was refused left no trace, and no credit is held or missing at the end.

use std::time::Duration;

use tidegate_tests::agentgate::GateLoad;
use tidegate_tests::durability::Random;
use tidegate_tests::stack::Settings;
use tidegate_tests::{Program, Target};

use crate::BINARY;

pub async fn load(target: &Target) -> GateLoad {
    GateLoad::begin(target.deployment(), Duration::ZERO).await
}

/// Ends the load, and holds every answer against what is stored.
#[allow(clippy::print_stdout, reason = "the figures of a run are read in the test's output")]
pub async fn judge(load: GateLoad) {
    let ends = load.ends();
    let (runs, found) = load.end().await;
    println!("{runs} runs, each once; requests ended in {ends:?}");
    assert_eq!(found, []);
}

/// The process that holds front door, decider and store, killed at random moments.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kills_of_the_one_process_charge_each_run_once() {
    let target = Target::own(Program::Embedded(BINARY)).await;
    let load = load(&target).await;
    let mut random = Random::seeded();
    for _ in 0..8 {
        load.accepts(random.within(10..120)).await;
        target.kill().await;
        target.start().await;
    }
    load.accepts(20).await;
    judge(load).await;
}

/// Deciders and front doors in turn, and a decider that is stopped until its partitions are another's, and continues.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kills_of_deciders_and_front_doors_charge_each_run_once() {
    let target = Target::on_the_stack(BINARY, &Settings::of_agentgate()).await;
    let load = load(&target).await;
    let mut random = Random::seeded();
    for victim in ["decide-0", "agentgate-0", "decide-1", "agentgate-1"] {
        load.accepts(random.within(10..60)).await;
        let server = target.servers().named(victim);
        server.kill();
        load.accepts(5).await;
        server.start().await;
    }
    for zombie in ["decide-0", "decide-1"] {
        let server = target.servers().named(zombie);
        server.hold();
        // Its session ends, and the other one decides for all.
        load.is_served().await;
        server.go_on();
        load.accepts(20).await;
    }
    judge(load).await;
}
