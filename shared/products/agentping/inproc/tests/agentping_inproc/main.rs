//! The in-process versions of the ports of AgentPing, by their suites.

mod bounded_gate;
mod gate;
mod noted_accounts;
