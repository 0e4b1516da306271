//! The start, the health and the ordered stop of a process.
//!
//! A process is a list of parts. Each has its own [`Stopper`] and its own deadline, and they stop in the order of
//! [`Stages`]. The [`ExitReport`] lists the parts that did not end in time and gives the exit code.

#[cfg(feature = "fail-points")]
pub mod fail_points;
pub mod health;
pub mod parts;
pub mod signals;
pub mod stages;
pub mod stop;

pub use health::{Health, Readiness};
pub use parts::{Part, Parts};
pub use stages::{ExitReport, Left, Stages, Unfinished};
pub use stop::{Stop, Stopper};
