//! Running sums of spend, against the runs' own.

#![allow(clippy::unwrap_used, reason = "a panic is how a test reports")]

mod alerting;
mod counting;
mod handing_over;
mod quotas;
mod world;
