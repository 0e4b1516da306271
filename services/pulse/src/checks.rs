//! Judges the checks of runs that have ended, from the feed.

mod alerting;
mod found;
mod idle;
mod passing_over;
mod pending;
mod runner;
mod track;

pub use alerting::CheckAlerts;
pub use found::{CheckEvent, CheckRound};
pub use idle::CHECK_IDLE_RUNS;
pub use runner::CheckRunner;

/// How long one call judges runs, or takes results in, in milliseconds. What is left is for the next one: sums of
/// spend, which guard decides by, are counted in between.
const ROUND_MS: u64 = 1_000;
