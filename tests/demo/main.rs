//! What people look at first: `tidegate demo` on a running `tidegate dev`, and the pages of operators there.

#![allow(clippy::unwrap_used, reason = "this is test code: a panic is how it reports")]

mod operators;
mod week;

/// The program under test.
const BINARY: &str = env!("CARGO_BIN_EXE_tidegate-under-test");
/// How long something may take that needs no more than a moment.
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(120);
