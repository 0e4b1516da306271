//! AgentGate's contract suite against two front doors and two deciders on the real stack.

#![allow(clippy::unwrap_used, reason = "this is test code: a panic is how it reports")]

mod behind;
mod clients;
#[path = "erasing.rs"]
mod erasing;
mod kills;
mod lapses;
#[path = "managing.rs"]
mod managing;
mod reading_back;
#[path = "receivers.rs"]
mod receivers;
#[path = "../agentgate/suite.rs"]
mod suite;
#[path = "unreadable.rs"]
mod unreadable;
#[path = "world.rs"]
mod world;

use tidegate_tests::Program;
pub use world::World;

/// What is tested.
const PROGRAM: Program = Program::AgentGateOnTheStack(env!("CARGO_BIN_EXE_tidegate-under-test"));

/// What is killed, one after the other.
const VICTIMS: [&str; 4] = ["agentgate-0", "decide-0", "agentgate-1", "decide-1"];
