//! A process and what surrounds it: standard output and error that are full, closed or not read, the limit on open
//! files, a disk without room.

#![allow(clippy::unwrap_used, reason = "this is test code: a panic is how it reports")]

mod answers;
mod logging;
mod open_files;
mod readiness;
mod roles;
mod secrets;

/// The program under test.
const BINARY: &str = env!("CARGO_BIN_EXE_tidegate-under-test");

/// How long something may take that needs no more than a moment.
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(120);
