//! What is done to AgentGate: its deciders, its front doors, its workers, and the servers that it stands on.

pub mod deciders;
pub mod front_doors;
pub mod log;
pub mod redis;
pub mod store;
mod trial;
mod worker;
pub mod workers;
