//! Killed twenty times at random moments: whatever was acknowledged is stored exactly once with the content sent,
//! and nothing is stored that was not sent.

#![allow(clippy::unwrap_used, reason = "this is test code: a panic is how it reports")]

mod kills;

use tidegate_tests::Program;

/// What is tested.
const PROGRAM: Program = Program::Embedded(env!("CARGO_BIN_EXE_tidegate-under-test"));
