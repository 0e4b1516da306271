//! From wire bodies to records: every field and rule of the AgentPing endpoints. Pure: no I/O, no clock.
//!
//! Of several faults the first in this order is reported: JSON form, unknown members, missing members in the order
//! of the endpoint's table, malformed members in the same order (AgentPing: codes).

pub mod call;
pub mod diagnosis;
pub mod encoding;
pub mod event;
pub mod events;
pub mod fault;
pub mod finish;
pub mod free;
pub mod heartbeat;
pub mod ids;
pub mod member;
pub mod metadata;
pub mod near;
pub mod number;
pub mod object;
pub mod ping;
pub mod start;

pub use events::Batch;
pub use fault::{Fault, ParentObject};

use tidegate_kernel::{Region, Timestamp};

/// Settings of the parser for one request.
#[derive(Clone, Copy, Debug)]
pub struct ParseOptions {
    /// The endpoint's region: ids must be of it.
    pub region: Region,
    /// Unknown members are ignored instead of refused.
    pub ignore_unknown: bool,
    /// The team's plan keeps metadata; otherwise it is dropped without a look.
    pub keep_metadata: bool,
    /// The server's clock: the default of times that the client left out.
    pub received_at: Timestamp,
}

#[cfg(test)]
mod never_panics;
#[cfg(test)]
mod refused;
#[cfg(test)]
mod taken;
