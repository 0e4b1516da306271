//! The gate on Redis: one atomic script per call, coalesced per team. The only room that knows redis.

mod answers;
mod connection;
mod gate;
mod keys;
mod lanes;
mod link;
pub mod metrics;
mod operation;
mod options;
mod packing;

pub use gate::RedisGate;
pub use options::{RedisGateError, RedisOptions};
