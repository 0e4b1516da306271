//! Shedding: what is refused when consumers are behind. One pure policy, and the gauge it reads.
//!
//! Bulk goes first (events, then starts, then finishes) and heartbeats last, because a shed heartbeat looks like a
//! dead agent. Between two lines a rising share is refused; entering and leaving have different lines.

/// What kind of request asks, from the last to be shed to the first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Class {
    Heartbeat,
    Finish,
    Start,
    Events,
}

/// One measure's lines. Shedding begins at `enter`, ends below `leave`, and refuses everything from `full` on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lines {
    pub leave: u64,
    pub enter: u64,
    pub full: u64,
}

/// All lines of the policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ShedLines {
    /// By the age of the oldest record not applied.
    pub age_ms: Lines,
    /// By the number of records not applied.
    pub records: Lines,
    /// A reading older than this is unknown, and an unknown lag sheds nothing.
    pub unknown_after_ms: u64,
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
            retry_floor_s: 1,
            retry_cap_s: 60,
        }
    }
}
