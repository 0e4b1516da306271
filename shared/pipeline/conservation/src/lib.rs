//! Whether every record of a log is accounted for: accepted = stored + duplicate + conflict + dead + in flight.
//!
//! The accounts are held against the log's ends. They are trusted for what is stored, and a sample of it is looked up in the
//! store: a product says by [`LookUp`] how. What is found is published as metrics, and shown as JSON.

mod conservation;
mod draw;
mod look_up;
mod metrics;
mod sample;
mod sums;
mod view;

pub use conservation::Conservation;
pub use look_up::{LookUp, LookedUp};
pub use metrics::METRICS;
pub use sums::{LogEnds, PartitionSums, Sums, Total};
