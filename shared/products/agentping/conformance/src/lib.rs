//! One suite for each of AgentPing's ports. Every adapter runs it, the one in memory too, and so means the same by the same
//! call.
//!
//! A case panics where the adapter is wrong. Cases mint fresh ids, so that they can share one deployment.

pub mod feed;
pub mod gate;
pub mod notes;
pub mod registry;
pub mod runs;
