//! The commands of a distributed deployment, on the real stack: schema, topics, management, and starts that fail.

#![allow(clippy::unwrap_used, reason = "this is test code: a panic is how it reports")]

mod managing;
mod place;
mod refused_starts;
mod schema_and_topics;

/// The program under test.
const BINARY: &str = env!("CARGO_BIN_EXE_tidegate-under-test");
