//! The thresholds of the shed policy, with their defaults.

use std::fmt;
use std::str::FromStr;

/// One measure's thresholds. Shedding begins at `enter`, ends below `leave`, and refuses everything from `full` on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Thresholds {
    pub leave: u64,
    pub enter: u64,
    pub full: u64,
}

/// What holds while the lag cannot be read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum WhenUnknown {
    /// The last decision, and after [`ShedThresholds::unknown_bulk_after_ms`] at least half of the first rank is refused:
    /// what piles up unseen is bounded, and everything else still goes through.
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
pub struct ShedThresholds {
    /// By the age of the oldest record not applied.
    pub age_ms: Thresholds,
    /// By the number of records not applied.
    pub records: Thresholds,
    /// Without a reading for longer than this, the lag is unknown.
    pub unknown_after_ms: u64,
    pub when_unknown: WhenUnknown,
    /// Without a reading for longer than this, [`WhenUnknown::Hold`] refuses half of the first rank.
    pub unknown_bulk_after_ms: u64,
    /// No `Retry-After` is below this.
    pub retry_floor_s: u64,
    /// No `Retry-After` is above this, before its jitter.
    pub retry_cap_s: u64,
}

impl ShedThresholds {
    /// Where requests wait until their records are applied: the refused share rises from 1 to 5 s of waiting.
    pub const OF_COMMANDS: ShedThresholds = ShedThresholds {
        age_ms: Thresholds { leave: 500, enter: 1_000, full: 5_000 },
        records: Thresholds { leave: 50_000, enter: 100_000, full: 500_000 },
        unknown_after_ms: 10_000,
        when_unknown: WhenUnknown::Hold,
        unknown_bulk_after_ms: 60_000,
        retry_floor_s: 1,
        retry_cap_s: 60,
    };

    /// The longest `Retry-After` before its jitter: where nothing is known of how the lag falls.
    pub(crate) fn longest_retry_s(&self) -> u64 {
        self.retry_cap_s.max(self.retry_floor_s).max(1)
    }
}

impl Default for ShedThresholds {
    fn default() -> Self {
        ShedThresholds {
            age_ms: Thresholds { leave: 30_000, enter: 60_000, full: 600_000 },
            records: Thresholds { leave: 500_000, enter: 1_000_000, full: 10_000_000 },
            unknown_after_ms: 10_000,
            when_unknown: WhenUnknown::Hold,
            unknown_bulk_after_ms: 60_000,
            retry_floor_s: 1,
            retry_cap_s: 60,
        }
    }
}
