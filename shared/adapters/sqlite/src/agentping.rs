//! AgentPing's tables: runs and what follows from them, and its registry.

pub mod names;
pub mod registry;
pub mod store;
