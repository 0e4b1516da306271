//! Shedding: what is refused when consumers are behind. One pure policy; what feeds it is [`crate::lag_watch`].
//!
//! Bulk goes first (events, then starts, then finishes) and heartbeats last, because a shed heartbeat looks like a
//! dead agent. Between two lines a rising share is refused; entering and leaving have different lines.

use tidegate_domain::Timestamp;
use tidegate_ports::Lag;

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

    /// The quarter of the pressure scale over which its share rises from none to all.
    const fn quarter(self) -> u32 {
        match self {
            Class::Events => 0,
            Class::Start => 1,
            Class::Finish => 2,
            Class::Heartbeat => 3,
        }
    }
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

/// What the policy says until the next reading.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Decision {
    /// 0 sheds nothing, [`Decision::FULL`] everything; each class rises over its own quarter.
    pub pressure: u32,
    /// Seconds until the backlog is likely to be below the leave line.
    pub retry_after_s: u64,
}

impl Decision {
    pub const FULL: u32 = 4_000;

    /// How many of a thousand requests of a class are refused.
    pub fn share_permille(&self, class: Class) -> u32 {
        self.pressure.saturating_sub(class.quarter() * 1_000).min(1_000)
    }
}

impl Lines {
    /// Pressure by one measure. While shedding, what lies between leave and enter still presses, lightly.
    fn pressure(&self, value: u64, shedding: bool) -> u32 {
        let from = if shedding { self.leave } else { self.enter };
        if value < from {
            return 0;
        }
        let span = self.full.saturating_sub(self.enter).max(1);
        let above = value.saturating_sub(self.enter).min(span);
        let scaled = u128::from(above) * u128::from(Decision::FULL) / u128::from(span);
        // At most FULL, by the line above.
        (scaled as u32).max(1)
    }
}

/// The policy: what holds after a reading, given what held before. `before` is the reading before this one.
pub fn decide(lines: &ShedLines, held: Decision, before: Option<&Lag>, lag: &Lag, now: Timestamp) -> Decision {
    let shedding = held.pressure > 0;
    let by_age = lines.age_ms.pressure(lag.age_ms(now), shedding);
    let by_records = lines.records.pressure(lag.records, shedding);
    let pressure = by_age.max(by_records);
    let retry_after_s = if pressure == 0 { 0 } else { retry_after_s(lines, before, lag) };
    Decision { pressure, retry_after_s }
}

/// How long the backlog needs to sink below the leave line at the rate at which it sank last; the cap where it grows.
fn retry_after_s(lines: &ShedLines, before: Option<&Lag>, lag: &Lag) -> u64 {
    let drained_per_s = before.map_or(0, |before| {
        let drained = before.records.saturating_sub(lag.records);
        drained.saturating_mul(1_000) / lag.read_at.millis_since(before.read_at).max(1)
    });
    let excess = lag.records.saturating_sub(lines.records.leave).max(1);
    let needed_s = if drained_per_s == 0 { lines.retry_cap_s } else { excess.div_ceil(drained_per_s) };
    needed_s.clamp(lines.retry_floor_s.max(1), lines.retry_cap_s.max(1))
}

/// Whether request number `n` of a class falls into the refused share: spread evenly, without chance.
pub const fn falls(n: u32, share_permille: u32) -> bool {
    let n = n as u64 % 1_000;
    (n + 1) * share_permille as u64 / 1_000 > n * share_permille as u64 / 1_000
}

/// A wait with jitter: up to half as long again, by the request's number, so that clients do not come back at once.
pub const fn with_jitter(retry_after_s: u64, n: u32) -> u64 {
    let spread = retry_after_s / 2 + 1;
    retry_after_s + (n.wrapping_mul(2_654_435_761) >> 16) as u64 % spread
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lag(records: u64, age_ms: i64) -> Lag {
        let read_at = Timestamp::from_millis(1_000_000);
        Lag { records, oldest_appended_at: Some(read_at.plus_millis(-age_ms)), read_at }
    }

    fn pressure(held: u32, lag: &Lag) -> u32 {
        let held = Decision { pressure: held, retry_after_s: 1 };
        decide(&ShedLines::default(), held, None, lag, lag.read_at).pressure
    }

    #[test]
    fn lines_in_a_table() {
        // (records, age, pressure while calm, pressure while shedding)
        for (records, age_ms, calm, shedding) in [
            (0, 0, 0, 0),
            (10, 29_999, 0, 0),
            (10, 30_000, 0, 1),
            (10, 59_999, 0, 1),
            (10, 60_000, 1, 1),
            (10, 330_000, 2_000, 2_000),
            (10, 600_000, 4_000, 4_000),
            (10, 6_000_000, 4_000, 4_000),
            (499_999, 0, 0, 0),
            (500_000, 0, 0, 1),
            (1_000_000, 0, 1, 1),
            (5_500_000, 0, 2_000, 2_000),
            (u64::MAX, 0, 4_000, 4_000),
        ] {
            let lag = lag(records, age_ms);
            assert_eq!((pressure(0, &lag), pressure(9, &lag)), (calm, shedding), "{records} records, {age_ms} ms");
        }
    }

    #[test]
    fn bulk_goes_first_and_heartbeats_last() {
        let shares = |pressure| Class::ALL.map(|class| Decision { pressure, retry_after_s: 1 }.share_permille(class));
        assert_eq!(shares(0), [0, 0, 0, 0]);
        assert_eq!(shares(500), [0, 0, 0, 500]);
        assert_eq!(shares(1_500), [0, 0, 500, 1_000]);
        assert_eq!(shares(2_500), [0, 500, 1_000, 1_000]);
        assert_eq!(shares(3_500), [500, 1_000, 1_000, 1_000]);
        assert_eq!(shares(4_000), [1_000; 4]);
    }

    #[test]
    fn the_wait_follows_the_drain_rate_between_floor_and_cap() {
        let lines = ShedLines::default();
        let now = lag(600_000, 70_000);
        let earlier = |records| Lag { records, read_at: now.read_at.plus_millis(-1_000), ..now };
        let wait = |before: Option<&Lag>| decide(&lines, Decision::default(), before, &now, now.read_at).retry_after_s;
        assert_eq!(wait(None), 60, "nothing is known");
        assert_eq!(wait(Some(&earlier(599_000))), 60, "it grows");
        assert_eq!(wait(Some(&earlier(610_000))), 10, "100,000 above the line at 10,000 a second");
        assert_eq!(wait(Some(&earlier(1_600_000))), 1);
        for n in 0..1_000 {
            assert!((10..=15).contains(&with_jitter(10, n)), "{n}");
            assert!(with_jitter(1, n) >= 1);
        }
    }

    #[test]
    fn a_share_is_spread_evenly() {
        for share in [0, 1, 250, 500, 999, 1_000] {
            let fallen = (7_000..8_000).filter(|n| falls(*n, share)).count();
            assert_eq!(fallen, share as usize);
        }
        assert!((0..10).any(|n| falls(n, 200)), "and not in one block");
    }
}
