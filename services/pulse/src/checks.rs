//! Judges the checks of runs that have ended, from the feed.

mod alerting;
mod idle;
mod pending;
mod runner;
mod track;

pub use alerting::CheckAlerts;
pub use idle::CHECK_IDLE_RUNS;
pub use runner::{CheckEvent, CheckRound, CheckRunner};
