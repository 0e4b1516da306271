//! The shared suite of AgentGate's contract on the whole pipeline in one process: the front door submits to a log in
//! memory, and a consumer decides.

#![allow(clippy::unwrap_used, reason = "a panic is how a test reports")]

mod deciding;
#[path = "../../../../tests/agentgate/suite.rs"]
mod suite;
#[path = "../agentgate_front_door/world.rs"]
mod world;

pub use world::World;
