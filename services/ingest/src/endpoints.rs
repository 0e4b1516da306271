//! The endpoints. The steps of each are in its own file, in the order of the checks.

pub mod events;
pub mod finish;
pub mod heartbeats;
pub mod ping;
pub mod runs;
