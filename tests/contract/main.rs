//! The contract suite against one process on a local folder.

#![allow(clippy::unwrap_used, reason = "this is test code: a panic is how it reports")]

#[path = "suite.rs"]
mod suite;

use suite::{BINARY, team, team_apart, team_on};
use tidegate_tests::Program;

/// What is tested.
const PROGRAM: Program = Program::Embedded(BINARY);
