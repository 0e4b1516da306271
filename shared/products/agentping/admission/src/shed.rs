//! Shedding: what is refused when consumers are behind. One pure policy; what feeds it is [`crate::shed_watch`].
//!
//! Bulk goes first (events, then starts, then finishes) and heartbeats last, because a shed heartbeat looks like a
//! dead agent. Between two thresholds a rising share is refused; entering and leaving have different thresholds, for
//! each measure by itself. A lag that cannot be read has a policy of its own.

use std::fmt;
use std::str::FromStr;

use tidegate_agentping::Body;

use crate::trend::Trend;

/// What kind of request asks, from the last to be shed to the first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Class {
    Heartbeat,
    Finish,
    Start,
    Events,
}

impl Class {
    pub const ALL: [Class; 4] = [Class::Heartbeat, Class::Finish, Class::Start, Class::Events];

    /// The class of a request with this body.
    pub const fn of(body: &Body) -> Class {
        match body {
            Body::Start(_) => Class::Start,
            Body::Events(_) => Class::Events,
            Body::Finish(_) => Class::Finish,
            Body::Heartbeat(_) => Class::Heartbeat,
        }
    }

    /// The quarter of the pressure scale over which its share rises from none to all.
    const fn quarter(self) -> u32 {
        match self {
            Class::Events => 0,
            Class::Start => 1,
            Class::Finish => 2,
            Class::Heartbeat => 3,
        }
    }

    /// Its name for machines, in answers and metrics.
    pub const fn label(self) -> &'static str {
        match self {
            Class::Heartbeat => "heartbeat",
            Class::Finish => "finish",
            Class::Start => "start",
            Class::Events => "events",
        }
    }
}

/// What makes the front door shed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ShedCause {
    /// The oldest record that is not applied waits for too long.
    Age,
    /// Too many records are not applied.
    Records,
    /// How far the consumers are behind could not be read for too long.
    Unknown,
    /// The request's own partition is halted: nothing of it is applied until an operator mends it.
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

/// One measure's thresholds. Shedding begins at `enter`, ends below `leave`, and refuses everything from `full` on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lines {
    pub leave: u64,
    pub enter: u64,
    pub full: u64,
}

/// What holds while the lag cannot be read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum WhenUnknown {
    /// The last decision, and after [`ShedLines::unknown_bulk_after_ms`] at least half of the events are refused: what
    /// piles up unseen is bounded, and everything else still goes through.
    #[default]
    Hold,
    /// Nothing is shed.
    Accept,
}

impl FromStr for WhenUnknown {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        match text {
            "hold" => Ok(WhenUnknown::Hold),
            "accept" => Ok(WhenUnknown::Accept),
            _ => Err(()),
        }
    }
}

impl fmt::Display for WhenUnknown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            WhenUnknown::Hold => "hold",
            WhenUnknown::Accept => "accept",
        })
    }
}

/// All thresholds of the policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ShedLines {
    /// By the age of the oldest record not applied.
    pub age_ms: Lines,
    /// By the number of records not applied.
    pub records: Lines,
    /// Without a reading for longer than this, the lag is unknown.
    pub unknown_after_ms: u64,
    pub when_unknown: WhenUnknown,
    /// Without a reading for longer than this, [`WhenUnknown::Hold`] refuses half of the events.
    pub unknown_bulk_after_ms: u64,
    /// No `Retry-After` is below this.
    pub retry_floor_s: u64,
    /// No `Retry-After` is above this, before its jitter.
    pub retry_cap_s: u64,
}

impl Default for ShedLines {
    fn default() -> Self {
        ShedLines {
            age_ms: Lines { leave: 30_000, enter: 60_000, full: 600_000 },
            records: Lines { leave: 500_000, enter: 1_000_000, full: 10_000_000 },
            unknown_after_ms: 10_000,
            when_unknown: WhenUnknown::Hold,
            unknown_bulk_after_ms: 60_000,
            retry_floor_s: 1,
            retry_cap_s: 60,
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
    /// 0 sheds nothing, [`Decision::FULL`] everything; each class rises over its own quarter.
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

    /// Half of the events, and nothing else.
    const HALF_OF_EVENTS: u32 = 500;

    /// How many of a thousand requests of a class are refused.
    pub fn share_permille(&self, class: Class) -> u32 {
        share_permille(self.pressure, class)
    }

    /// Whether anything is shed.
    pub const fn sheds(&self) -> bool {
        self.pressure > 0
    }
}

/// How many of a thousand requests of a class are refused at this pressure.
pub(crate) fn share_permille(pressure: u32, class: Class) -> u32 {
    pressure.saturating_sub(class.quarter() * 1_000).min(1_000)
}

impl Lines {
    /// Pressure by one measure. Once entered, what lies between leave and enter still presses, lightly.
    fn pressure(&self, value: u64, entered: bool) -> u32 {
        let from = if entered { self.leave } else { self.enter };
        if value < from {
            return 0;
        }
        let span = self.full.saturating_sub(self.enter).max(1);
        let above = value.saturating_sub(self.enter).min(span);
        let scaled = u128::from(above) * u128::from(Decision::FULL) / u128::from(span);
        // At most FULL, as `above` is at most `span`.
        (scaled as u32).max(1)
    }
}

/// The policy: what holds after a reading, given what held before and how the lag moved lately.
pub fn decide(policy: &ShedLines, held: Decision, reading: Reading, trend: &Trend) -> Decision {
    match reading {
        Reading::Known { records, age_ms } => by_lag(policy, held.entered, records, age_ms, trend),
        Reading::Unknown { for_ms } if for_ms <= policy.unknown_after_ms => held,
        Reading::Unknown { for_ms } => blind(policy, held, for_ms),
    }
}

fn by_lag(policy: &ShedLines, before: Entered, records: u64, age_ms: u64, trend: &Trend) -> Decision {
    let by_age = policy.age_ms.pressure(age_ms, before.age);
    let by_records = policy.records.pressure(records, before.records);
    let entered = Entered { age: by_age > 0, records: by_records > 0 };
    let pressure = by_age.max(by_records);
    if pressure == 0 {
        return Decision { entered, ..Decision::default() };
    }
    let cause = Some(if by_age >= by_records { ShedCause::Age } else { ShedCause::Records });
    let waits = [
        sinks_within_s(age_ms, policy.age_ms.leave, trend.age_sinks_ms_per_s()),
        sinks_within_s(records, policy.records.leave, trend.records_sink_per_s()),
    ];
    let longest_s = waits.into_iter().map(|wait| wait.unwrap_or(policy.retry_cap_s)).max().unwrap_or(0);
    let retry_after_s =
        longest_s.clamp(policy.retry_floor_s.max(1), policy.retry_cap_s.max(policy.retry_floor_s).max(1));
    Decision { pressure, cause, retry_after_s, entered }
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
fn blind(policy: &ShedLines, held: Decision, for_ms: u64) -> Decision {
    let hidden = Decision { entered: held.entered, ..Decision::default() };
    match policy.when_unknown {
        WhenUnknown::Accept => hidden,
        WhenUnknown::Hold if for_ms <= policy.unknown_bulk_after_ms || held.pressure >= Decision::HALF_OF_EVENTS => {
            held
        }
        // How it drains is not known either.
        WhenUnknown::Hold => Decision {
            pressure: Decision::HALF_OF_EVENTS,
            cause: Some(ShedCause::Unknown),
            retry_after_s: policy.retry_cap_s.max(policy.retry_floor_s).max(1),
            ..hidden
        },
    }
}

/// Whether request number `n` of a class falls into the refused share. Multiples of the golden ratio lie evenly over
/// any stretch of requests, over every second and every third of them too: no client that takes turns with another
/// one bears the whole share. What falls at a share falls at any greater one.
pub const fn falls(n: u32, share_permille: u32) -> bool {
    const GOLDEN: u32 = 2_654_435_769;
    ((n.wrapping_mul(GOLDEN) as u64 * 1_000) >> 32) < share_permille as u64
}

#[cfg(test)]
mod tests;
