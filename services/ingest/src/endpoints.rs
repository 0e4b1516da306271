//! The endpoints. The steps of each stand in its own file, in the order of the gates.

pub mod events;
pub mod finish;
pub mod heartbeats;
pub mod ping;
pub mod runs;
