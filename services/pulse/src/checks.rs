//! Judges the checks of runs that have ended, from the feed.

mod pending;
mod runner;
mod streaks;

pub use runner::{CheckEvent, CheckRound, CheckRunner};
pub use streaks::{CHECK_STREAKS, CheckEdge, OpenFailure, Streak, Taken, take_all};
