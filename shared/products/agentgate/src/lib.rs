//! AgentGate's types and rules: ids, scopes, work orders, runs and credits, the commands on the log, and the decider that
//! computes books from commands.
