//! The front door on a socket, with memory ports and a decider that decides each command as it is submitted: the shared
//! suite of AgentGate's contract, and what only a front door of the test's own can show.

#![allow(clippy::unwrap_used, reason = "a panic is how a test reports")]

mod deciding;
mod leases;
mod refusals;
#[path = "../../../../tests/agentgate/suite.rs"]
mod suite;
mod trouble;
mod world;

pub use world::{World, WorldSettings};
