//! Checks of runs, judged from the feed.

#![allow(clippy::unwrap_used, reason = "a panic is how a test reports")]

mod alerting;
mod backlog;
mod broken;
mod judging;
#[path = "../spend/world.rs"]
#[allow(dead_code, reason = "other tests use the rest")]
mod world;
