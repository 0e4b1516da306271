//! The pipeline's accounts: each received request ends in exactly one outcome, each record read in exactly one.

#![allow(clippy::unwrap_used, reason = "this is test code: a panic is how it reports")]

mod identity;

/// The program under test.
pub const BINARY: &str = env!("CARGO_BIN_EXE_tidegate-under-test");
