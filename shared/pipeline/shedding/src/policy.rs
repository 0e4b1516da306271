//! What is refused when consumers are behind. One pure policy; what feeds it is [`crate::shed_watch`].
//!
//! Bulk goes first, rank by rank. Between two thresholds a rising share is refused; entering and leaving have different
//! thresholds, for each measure by itself. A lag that cannot be read has a policy of its own.

use crate::rank::Rank;
use crate::thresholds::{ShedThresholds, Thresholds, WhenUnknown};
use crate::trend::Trend;

/// What makes the front door shed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ShedCause {
    /// The oldest record that is not applied waits for too long.
    Age,
    /// Too many records are not applied.
    Records,
    /// How far the consumers are behind could not be read for too long.
    Unknown,
    /// The request's own partition is halted: nothing of it is applied until an operator repairs it.
    PartitionHalted,
}

impl ShedCause {
    pub const ALL: [ShedCause; 4] =
        [ShedCause::Age, ShedCause::Records, ShedCause::Unknown, ShedCause::PartitionHalted];

    /// Its name for machines, in answers and metrics.
    pub const fn label(self) -> &'static str {
        match self {
            ShedCause::Age => "age",
            ShedCause::Records => "records",
            ShedCause::Unknown => "unknown",
            ShedCause::PartitionHalted => "partition_halted",
        }
    }
}

/// What is known of the lag.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reading {
    Known {
        /// Records appended and not applied.
        records: u64,
        /// Of the oldest of them; 0 when there is none.
        age_ms: u64,
    },
    /// Nothing was read for so long.
    Unknown { for_ms: u64 },
}

/// What the policy says until the next reading.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Decision {
    /// 0 sheds nothing, [`Decision::FULL`] everything; each rank rises over its own quarter.
    pub pressure: u32,
    /// What presses; `None` exactly while nothing is shed.
    pub cause: Option<ShedCause>,
    /// Seconds until the backlog is likely to be below the leave threshold; 0 while nothing is shed.
    pub retry_after_s: u64,
    /// Which measures have crossed their enter threshold and not come below their leave threshold since.
    entered: Entered,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Entered {
    age: bool,
    records: bool,
}

impl Decision {
    pub const FULL: u32 = 4_000;

    /// Every request is refused.
    pub fn everything(cause: ShedCause, retry_after_s: u64) -> Self {
        let entered = Entered::default();
        Decision { pressure: Decision::FULL, cause: Some(cause), retry_after_s, entered }
    }

    /// The same for another cause, where it sheds at all.
    pub(crate) fn because(self, cause: ShedCause) -> Self {
        Decision { cause: self.cause.map(|_| cause), ..self }
    }

    /// Half of the first rank, and nothing else.
    const HALF_OF_BULK: u32 = 500;

    /// How many of a thousand requests of a rank are refused.
    pub fn share_permille(&self, rank: Rank) -> u32 {
        rank.share_permille(self.pressure)
    }

    /// Whether anything is shed.
    pub const fn sheds(&self) -> bool {
        self.pressure > 0
    }
}

/// The policy: what holds after a reading, given what held before and how the lag moved lately.
pub fn decide(thresholds: &ShedThresholds, held: Decision, reading: Reading, trend: &Trend) -> Decision {
    match reading {
        Reading::Known { records, age_ms } => by_lag(thresholds, held.entered, records, age_ms, trend),
        Reading::Unknown { for_ms } if for_ms <= thresholds.unknown_after_ms => held,
        Reading::Unknown { for_ms } => blind(thresholds, held, for_ms),
    }
}

fn by_lag(thresholds: &ShedThresholds, before: Entered, records: u64, age_ms: u64, trend: &Trend) -> Decision {
    let by_age = pressure_of(&thresholds.age_ms, age_ms, before.age);
    let by_records = pressure_of(&thresholds.records, records, before.records);
    let entered = Entered { age: by_age > 0, records: by_records > 0 };
    let pressure = by_age.max(by_records);
    if pressure == 0 {
        return Decision { entered, ..Decision::default() };
    }
    let cause = Some(if by_age >= by_records { ShedCause::Age } else { ShedCause::Records });
    let waits = [
        sinks_within_s(age_ms, thresholds.age_ms.leave, trend.age_sinks_ms_per_s()),
        sinks_within_s(records, thresholds.records.leave, trend.records_sink_per_s()),
    ];
    let longest_s = waits.into_iter().map(|wait| wait.unwrap_or(thresholds.retry_cap_s)).max().unwrap_or(0);
    let retry_after_s = longest_s.clamp(thresholds.retry_floor_s.max(1), thresholds.longest_retry_s());
    Decision { pressure, cause, retry_after_s, entered }
}

/// Pressure by one measure. Once entered, what lies between leave and enter still presses, lightly.
fn pressure_of(thresholds: &Thresholds, value: u64, entered: bool) -> u32 {
    let from = if entered { thresholds.leave } else { thresholds.enter };
    if value < from {
        return 0;
    }
    let span = thresholds.full.saturating_sub(thresholds.enter).max(1);
    let above = value.saturating_sub(thresholds.enter).min(span);
    let scaled = u128::from(above) * u128::from(Decision::FULL) / u128::from(span);
    // At most FULL, as `above` is at most `span`.
    (scaled as u32).max(1)
}

/// How long a measure needs to sink below its leave threshold at this rate; `None` where it does not sink.
fn sinks_within_s(value: u64, leave: u64, sinks_per_s: f64) -> Option<u64> {
    if value < leave {
        return Some(0);
    }
    let excess = (value - leave + 1) as f64;
    // A float too large for the target becomes its greatest value.
    (sinks_per_s > 0.0).then(|| (excess / sinks_per_s).ceil() as u64)
}

/// What holds without a reading. Which thresholds were entered is kept for the next one.
fn blind(thresholds: &ShedThresholds, held: Decision, for_ms: u64) -> Decision {
    let hidden = Decision { entered: held.entered, ..Decision::default() };
    match thresholds.when_unknown {
        WhenUnknown::Accept => hidden,
        WhenUnknown::Hold if for_ms <= thresholds.unknown_bulk_after_ms || held.pressure >= Decision::HALF_OF_BULK => {
            held
        }
        // How it drains is not known either.
        WhenUnknown::Hold => Decision {
            pressure: Decision::HALF_OF_BULK,
            cause: Some(ShedCause::Unknown),
            retry_after_s: thresholds.longest_retry_s(),
            ..hidden
        },
    }
}

/// Whether request number `n` of a class falls into the refused share. Multiples of the golden ratio lie evenly over
/// any stretch of requests, over every second and every third of them too: no client that takes turns with another
/// one bears the whole share. What falls at a share falls at any greater one.
pub(crate) const fn falls(n: u32, share_permille: u32) -> bool {
    const GOLDEN: u32 = 2_654_435_769;
    ((n.wrapping_mul(GOLDEN) as u64 * 1_000) >> 32) < share_permille as u64
}

#[cfg(test)]
mod tests;
