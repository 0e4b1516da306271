//! Distributed deployments on the real stack: what must hold when there are many of each role, when any of them
//! comes, leaves or dies, and when the gate forgets, hangs or is gone.

#![allow(clippy::unwrap_used, reason = "this is test code: a panic is how it reports")]

#[path = "../pipeline/conservation.rs"]
mod adding_up;
mod backlog;
mod churn;
mod concurrency;
mod conservation;
mod forgetting;
#[path = "../pipeline/identity.rs"]
mod identity;
mod outsiders;
mod pauses;
#[path = "../pipeline/receipts.rs"]
mod receipts;
mod redis_loss;
mod regions;
mod watch;

use tidegate_tests::{Plan, Program, Target, Team};

/// The program under test.
const BINARY: &str = env!("CARGO_BIN_EXE_tidegate-under-test");

/// What tests share that do not disturb each other: two front doors, two persisters, control.
const PROGRAM: Program = Program::OnTheStack(BINARY);

/// A team of the test's own on the shared deployment, with room for everything.
async fn team() -> (Target, Team) {
    let target = Target::shared(PROGRAM).await;
    let team = Team::create(target.deployment(), Plan::UNLIMITED).await;
    (target, team)
}
