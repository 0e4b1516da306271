//! The pipeline as a whole. Its accounts: each received request ends in exactly one outcome, each record read in exactly
//! one. And what it does when it is behind or full.

#![allow(clippy::unwrap_used, reason = "this is test code: a panic is how it reports")]

mod agent_cap;
mod alerted;
mod conservation;
mod draining;
mod guard;
mod identity;
mod lost_runs;
mod receipts;
mod shedding;
mod stopping;

use tidegate_tests::Program;

const BINARY: &str = env!("CARGO_BIN_EXE_tidegate-under-test");

/// What is tested.
const PROGRAM: Program = Program::Embedded(BINARY);

/// A body may be sent as slowly as a test on a busy machine sends it, and a stop waits for it.
const SLOW_BODIES: [(&str, &str); 3] =
    [("INGEST__BODY_TIMEOUT_MS", "120000"), ("INGEST__DRAIN_MS", "200000"), ("INGEST__IDLE_TIMEOUT_MS", "250000")];
