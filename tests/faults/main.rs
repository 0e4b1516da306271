//! The short pass of the fault harness: the fastest and most useful faults, each as a test. All of them:
//! `make faults`.

#![allow(clippy::unwrap_used, reason = "this is test code: a panic is how it reports")]

use std::path::Path;

use tidegate_tests::durability::Random;
use tidegate_tests::faults::report;
use tidegate_tests::faults::runner::{Runner, chosen};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_accepted_is_lost_or_doubled() {
    let seed = Random::seeded().draw();
    println!("a fault by itself: faults --only NAME --seed {seed}");
    let mut runner = Runner::new(Path::new(env!("CARGO_BIN_EXE_tidegate-under-test")), seed);
    let mut rows = Vec::new();
    for fault in chosen(&[], &[], true).unwrap() {
        rows.push(runner.run(fault).await);
    }
    println!("{}", report::table(&rows));
    let failing: Vec<_> = rows.iter().filter_map(|row| Some((&row.fault, row.failing()?))).collect();
    assert!(failing.is_empty(), "{failing:#?}");
}
