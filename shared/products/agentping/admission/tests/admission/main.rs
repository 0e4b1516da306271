//! Admission on the in-process gate, with a log, a store and a registry that tests can break.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails where it stands")]

mod authenticating;
mod bodies;
mod contending;
mod failing;
mod giving_back;
mod halting;
mod joining;
mod limiting;
mod pricing;
mod remembering;
mod renaming;
mod shedding;
mod uncompared;
mod waiting;
mod world;
mod writing;
