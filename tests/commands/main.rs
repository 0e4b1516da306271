//! The commands of a distributed deployment, on the real stack: schema, topics, management, the log and its dead
//! letters, and starts that fail. And the tours of the README, of docs/tour.md and of AgentGate on a local one.

#![allow(clippy::unwrap_used, reason = "this is test code: a panic is how it reports")]

mod dead_letters;
mod gate_tour;
mod lag;
mod managing;
mod missing_folder;
mod place;
mod refused_starts;
mod replay;
mod schema_and_topics;
mod tour;
mod void;
mod wrong_region;

use tidegate_tests::stack::foreign;

/// How long something may take that needs no more than a moment.
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(120);

/// The program under test.
const BINARY: &str = env!("CARGO_BIN_EXE_tidegate-under-test");
