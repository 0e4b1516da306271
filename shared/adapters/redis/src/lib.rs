//! AgentPing's gate and the limits of command APIs on Redis: what decides at once and forgets. The only crate that uses
//! the redis client.
//!
//! Each of them has one link to its servers: a connection, known to be up or down, that calls one Lua script. [`agentping`]
//! and [`commands`] describe their keys in Redis.
//!
//! # Failures
//!
//! Every wait has a timeout. A call without an answer in time gives its connection up, and from then on its Redis is
//! *known* to be down: calls fail at once until a write on a new connection is answered. It reconnects by itself,
//! every 20 ms at first and every 1 s at most. Errors that a server answers (`OOM`, `MISCONF`, `LOADING`) are passed on
//! with the server's text; urls and passwords never are.
//!
//!
//! # Metrics
//!
//! See [`metrics`].

pub mod agentping;
pub mod commands;
mod connection;
mod failure;
mod link;
pub mod metrics;
mod options;
mod script;

pub use agentping::RedisGate;
pub use commands::RedisLimits;
pub use metrics::METRICS;
pub use options::{GateTime, RedisConnectError, RedisOptions};
