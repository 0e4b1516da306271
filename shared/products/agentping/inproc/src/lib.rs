//! AgentPing's ports in memory: for tests, for a single process, and as the plainest statement of what an adapter does.

pub mod gate;
pub mod noted_accounts;
pub mod registry;
pub mod runs;
