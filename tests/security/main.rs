//! What others may try, and what must never come out. `docs/security.md` lists the threats with the test of each; a test
//! here holds that table to the tests there are.

#![allow(clippy::unwrap_used, reason = "this is test code: a panic is how it reports")]

mod cardinality;
mod files;
mod injection;
mod isolation;
mod limits;
mod on_the_stack;
mod raw;
mod route_secrets;
mod routes;
mod secrets;
mod table;
mod traffic;

use serde_json::json;
use tidegate_tests::process::Extra;
use tidegate_tests::team::text;
use tidegate_tests::{Deployment, Plan, Target, Team};

/// The program under test.
const BINARY: &str = env!("CARGO_BIN_EXE_tidegate-under-test");

/// A `tidegate dev` of the test's own that logs everything there is to log.
async fn loud(format: &str) -> Target {
    let settings = [("TIDEGATE_TELEMETRY__LEVEL", "trace"), ("TIDEGATE_TELEMETRY__FORMAT", format)];
    let environment = settings.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec();
    Target::dev_with(BINARY, Extra { environment, ..Extra::default() }).await
}

/// Waits until everything that was sent before is stored.
async fn caught_up(deployment: &Deployment, team: &Team) {
    let taken = team.heartbeat(&json!({"agent": "the-last"})).await.expect(202).json();
    team.stored_run(&text(&taken, "id")).await;
    deployment.at_rest().await;
}

/// A team with room for everything.
async fn team_of(target: &Target) -> Team {
    Team::create(target.deployment(), Plan::UNLIMITED).await
}
