//! The gate on Redis: one atomic script per call, coalesced per team. The only room that knows redis.

mod gate;
mod options;

pub use gate::RedisGate;
pub use options::{RedisGateError, RedisOptions};
