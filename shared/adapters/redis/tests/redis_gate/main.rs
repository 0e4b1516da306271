//! The gate and the limits on real Redis servers: the shared one of the local stack, and own ones that hang, die and forget.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails where it stands")]

mod asking;
mod clocks;
mod cluster;
mod coalescing;
mod conforming;
mod contending;
mod faults;
mod forgetting;
mod like_the_model;
mod limits;
mod server;
