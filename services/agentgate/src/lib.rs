//! AgentGate's front door: its endpoints over HTTP, the worker API, their wire bodies, and the one table from a cause to status,
//! code and text.
