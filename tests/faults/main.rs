//! The short pass of the fault harness: the fastest and most useful faults, each as a test. All of them:
//! `make faults`.

#![allow(clippy::unwrap_used, reason = "this is test code: a panic is how it reports")]

use std::path::Path;

use tidegate_tests::durability::Random;
use tidegate_tests::faults::catalogue::Ground;
use tidegate_tests::faults::report;
use tidegate_tests::faults::runner::{Runner, chosen};

/// Faults that are run one after another, while the other tests run theirs.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Lane {
    AgentPing,
    AgentGate,
    /// Each has processes of its own, most of them one `tidegate dev`.
    Own,
}

const fn lane_of(ground: Ground) -> Lane {
    match ground {
        Ground::Stack | Ground::OwnKafka | Ground::Cluster | Ground::OwnStore => Lane::AgentPing,
        Ground::Gate | Ground::GateCluster => Lane::AgentGate,
        Ground::Own => Lane::Own,
    }
}

#[allow(clippy::print_stdout, reason = "only tests call it, and their output is shown when they fail")]
async fn nothing_is_lost_or_doubled(lane: Lane) {
    let seed = Random::seeded().draw();
    println!("a fault by itself: faults --only NAME --seed {seed}");
    let mut runner = Runner::new(Path::new(env!("CARGO_BIN_EXE_tidegate-under-test")), seed);
    let mut rows = Vec::new();
    for fault in chosen(&[], &[], true).unwrap().into_iter().filter(|fault| lane_of(fault.ground) == lane) {
        rows.push(runner.run(fault).await);
    }
    println!("{}", report::table(&rows));
    let failing: Vec<_> = rows.iter().filter_map(|row| Some((&row.fault, row.failing()?))).collect();
    assert!(failing.is_empty() && !rows.is_empty(), "{failing:#?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_that_agentping_accepted_is_lost_or_doubled() {
    nothing_is_lost_or_doubled(Lane::AgentPing).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_that_agentgate_accepted_is_lost_or_doubled() {
    nothing_is_lost_or_doubled(Lane::AgentGate).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_that_processes_of_their_own_accepted_is_lost_or_doubled() {
    nothing_is_lost_or_doubled(Lane::Own).await;
}
