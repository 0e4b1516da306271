//! The spend line: whether an agent's spend of today is out of the ordinary (AgentPing: spend alerts). And below it the
//! running sums that this and guard judge by.
//!
//! Amounts are compared exactly, in nano-dollars: what is shown is rounded, what is judged is not.

use serde::{Deserialize, Serialize};
use tidegate_kernel::{Timestamp, Usd};

mod model_page;
mod page;
mod team_sums;
mod wide;
mod window;

pub use model_page::ModelPage;
pub use page::{PAGES_A_DAY, PageKey, SpendCell, SpendChange, SpendPage, SpendPeriod, changes_of};
pub use team_sums::{TeamSums, first_day};
use wide::product;
pub use window::{SpendOf, SpendScope, SpendWindow, SpendWindowError, hour_of};

/// Days before today that are looked at.
pub const BASELINE_DAYS: usize = 14;
/// Fewer days than this say nothing.
pub const LEAST_DAYS: usize = 7;
const DAY_MS: i64 = 86_400_000;
/// A deviation is at least this part of the mean (1/20 is 5 %), for agents of constant cost.
const MEAN_PART: u128 = 20;
/// And at least 0.01 USD.
const LEAST_SIGMA_NANOS: u128 = 10_000_000;
/// Beyond it a day's amount counts as this one: 288 million dollars.
const MAX_NANOS: u64 = 1 << 58;

/// A team's setting.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SpendRule {
    /// How many deviations above the mean the line lies, in thousandths: 2,500 is 2.5.
    pub sigma_thousandths: u32,
    /// Less than this a day never fires.
    pub min_usd: Usd,
}

impl Default for SpendRule {
    fn default() -> Self {
        SpendRule { sigma_thousandths: 2_500, min_usd: Usd::from_nanos(1_000_000_000) }
    }
}

impl SpendRule {
    /// The greatest factor: 100.
    pub const MAX_SIGMA_THOUSANDTHS: u32 = 100_000;
}

/// A day's spend that is out of the ordinary, with what a message says about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SpendAnomaly {
    pub spent: Usd,
    /// Rounded down to a nano-dollar, as the rest.
    pub mean: Usd,
    /// With its least values.
    pub sigma: Usd,
    pub threshold: Usd,
    /// Deviations above the mean, in hundredths.
    pub z_hundredths: u64,
}

/// The first instant of the UTC day of `at`: spend counts at its run's start, and an anomaly fires once for each day.
pub const fn day_of(at: Timestamp) -> Timestamp {
    Timestamp::from_millis(at.as_millis().div_euclid(DAY_MS) * DAY_MS)
}

/// Judges today's spend against the days before it, the latest ones last, from the agent's first run on; a day without
/// spend is one of 0. Only the last 14 count.
pub fn anomaly(rule: &SpendRule, today: Usd, before: &[Usd]) -> Option<SpendAnomaly> {
    let days = &before[before.len().saturating_sub(BASELINE_DAYS)..];
    if days.len() < LEAST_DAYS || today < rule.min_usd {
        return None;
    }
    let nanos = |amount: &Usd| u128::from(amount.as_nanos().min(MAX_NANOS));
    let (n, x) = (days.len() as u128, nanos(&today));
    let sum: u128 = days.iter().map(nanos).sum();
    let squares: u128 = days.iter().map(nanos).map(|amount| amount * amount).sum();
    // All of it times n, so that the mean is whole: n·x − sum is n times how far today lies above the mean.
    let above = (n * x).checked_sub(sum)?;
    let factor = u128::from(rule.sigma_thousandths.min(SpendRule::MAX_SIGMA_THOUSANDTHS));
    // n²(n − 1) times the sample variance is n times this.
    let spread = n * squares - sum * sum;
    let over_sigma = product(above * above, (n - 1) * 1_000_000) > product(factor * factor * n, spread);
    let over_part = 1_000 * MEAN_PART * above > factor * sum;
    let over_least = 1_000 * above > factor * n * LEAST_SIGMA_NANOS;
    if !(over_sigma && over_part && over_least) {
        return None;
    }
    let usd = |nanos: u128| Usd::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX));
    let mean = sum / n;
    let sigma = (spread / (n * (n - 1))).isqrt().max(mean / MEAN_PART).max(LEAST_SIGMA_NANOS);
    Some(SpendAnomaly {
        spent: today,
        mean: usd(mean),
        sigma: usd(sigma),
        threshold: usd(mean + factor * sigma / 1_000),
        z_hundredths: u64::try_from((x - mean) * 100 / sigma).unwrap_or(u64::MAX),
    })
}
