//! The AgentPing ingest contract, black box over HTTP: one file per endpoint or theme. The doc comment of each test
//! names the requirement it shows (`AP-01` to `AP-69`), or says which of Tidegate's own choices where the contract
//! is silent. [`coverage`] fails if a requirement has no test.
//!
//! The suite is built twice: `contract` runs it against one process on a local folder, `contract-on-the-stack`
//! against two front doors, two persisters and control on the real stack. `TIDEGATE_TARGET=FILE` runs the same
//! against a deployment that is there already (see `tidegate_tests::external`).

mod agents;
mod answers;
mod authentication;
mod bad_input;
mod coverage;
mod durability;
mod errors;
mod events;
mod finish;
mod fuzz;
mod heartbeats;
mod identifiers;
mod lifecycle;
mod metadata;
mod order;
mod ping;
mod ping_errors;
mod pricing;
mod quota;
mod rate;
mod read_side;
mod regions;
mod rotation;
mod runs;
mod scope;
mod sdk_bodies;
mod texts;

use tidegate_tests::{Plan, Target, Team};

use crate::PROGRAM;

/// The program under test.
pub const BINARY: &str = env!("CARGO_BIN_EXE_tidegate-under-test");

/// A team of the test's own on the shared target, with room for everything.
pub async fn team() -> (Target, Team) {
    team_on(Plan::UNLIMITED).await
}

/// The same with a plan.
pub async fn team_on(plan: Plan) -> (Target, Team) {
    let target = Target::shared(PROGRAM).await;
    let team = Team::create(target.deployment(), plan).await;
    (target, team)
}

/// A team on a target of the test's own.
pub async fn team_apart(plan: Plan) -> (Target, Team) {
    let target = Target::own(PROGRAM).await;
    let team = Team::create(target.deployment(), plan).await;
    (target, team)
}
