//! Each port in memory: for tests, and as the simplest reference of an adapter's behaviour.

pub mod accounts;
pub mod clock;
pub mod dead_letters;
pub mod log;
pub mod membership;
pub mod read_positions;
