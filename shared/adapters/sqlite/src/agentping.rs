//! AgentPing's tables: runs and what follows from them, and its registry.

pub mod registry;
pub mod store;
