//! Killed twenty times at random moments: whatever was acknowledged is stored exactly once with the content sent,
//! and nothing is stored that was not sent.

#![allow(clippy::unwrap_used, reason = "this is test code: a panic is how it reports")]

mod kills;

/// The program under test.
pub const BINARY: &str = env!("CARGO_BIN_EXE_tidegate-under-test");
