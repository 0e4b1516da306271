//! A worker of AgentGate: leases runs over HTTP, runs a command for each, and reports its progress and its end.
