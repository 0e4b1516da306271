//! Judges the checks of runs that have ended, from the feed.

mod pending;
mod runner;

pub use runner::{CheckEvent, CheckRound, CheckRunner};
