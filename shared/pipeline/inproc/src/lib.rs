//! Each port in memory: for tests, and as the plainest statement of what an adapter does.

pub mod accounts;
pub mod clock;
pub mod dead_letters;
pub mod lanes;
pub mod log;
pub mod membership;
