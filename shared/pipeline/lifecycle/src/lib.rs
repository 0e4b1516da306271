//! How a process starts, is judged, and stops in order.
//!
//! A process is a list of parts. Each is told to stop by its own [`Stopper`], in the order of [`Stages`], and each
//! has a deadline of its own; what did not end in time stands in the [`ExitReport`], which is the exit code.

pub mod health;
pub mod parts;
pub mod signals;
pub mod stages;
pub mod stop;

pub use health::{Health, Readiness};
pub use parts::{Part, Parts};
pub use stages::{ExitReport, Left, Stages};
pub use stop::{Stop, Stopper};
