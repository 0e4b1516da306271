//! The worker API: leases of runs, their progress and their ends.

pub(crate) mod asking;
pub(crate) mod call;
pub(crate) mod finish;
pub(crate) mod found_empty;
pub(crate) mod lease;
pub(crate) mod offers;
pub(crate) mod progress;
pub(crate) mod queue;
