//! The pipeline's accounts: each received request ends in exactly one outcome, each record read in exactly one.

#![allow(clippy::unwrap_used, reason = "this is test code: a panic is how it reports")]

mod conservation;
mod identity;
mod receipts;

use tidegate_tests::Program;

/// What is tested.
const PROGRAM: Program = Program::Embedded(env!("CARGO_BIN_EXE_tidegate-under-test"));
