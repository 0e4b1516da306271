//! Judges the checks of runs that have ended, from the feed.

mod alerting;
mod pending;
mod runner;

pub use alerting::{CHECK_TRACKS, CheckAlerts};
pub use runner::{CheckEvent, CheckRound, CheckRunner};
