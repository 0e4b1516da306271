//! AgentGate's contract suite against one process on a data folder.

#![allow(clippy::unwrap_used, reason = "this is test code: a panic is how it reports")]

mod clients;
mod counted;
mod due;
mod erasing;
mod killed;
mod kills;
mod left_behind;
mod managing;
mod receivers;
#[path = "../agentgate/suite.rs"]
mod suite;
mod undecided;
mod unreadable;
#[path = "world.rs"]
mod world;

use tidegate_tests::Program;
pub use world::World;

/// What is tested.
const PROGRAM: Program = Program::Embedded(env!("CARGO_BIN_EXE_tidegate-under-test"));

/// What is killed, one after the other.
const VICTIMS: [&str; 3] = ["server"; 3];
