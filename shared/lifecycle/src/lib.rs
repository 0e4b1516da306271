//! Start, serve, judge health, stop in order.

pub mod serve;

pub use serve::{ServeOptions, ServeReport, serve};
