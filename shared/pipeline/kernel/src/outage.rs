//! Computes `Retry-After` during an outage: the wait grows with the outage's duration, and jitter gives each refusal
//! another time, so that clients do not retry together.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use crate::Timestamp;

/// Milliseconds without a failure after which the next failure starts a new outage. Longer than any wait, so that
/// waiting clients do not end an outage.
const FORGOTTEN_AFTER_MS: u64 = 60_000;
/// The longest wait before its jitter, which adds up to half of it: clients are known to wait for a
/// minute at most.
const LONGEST_S: u64 = 30;
/// A wait is this part of how long the outage has lasted.
const PART: u64 = 4;
/// The time of the first failure while there was none.
const NEVER: u64 = 0;

/// The outage of one dependency. Times are the clock port's, in milliseconds.
#[derive(Debug, Default)]
pub struct Outage {
    since_ms: AtomicU64,
    last_ms: AtomicU64,
    failures: AtomicU32,
}

impl Outage {
    /// Records a failure and returns the seconds for `Retry-After`: 1 or 2 at first, 30 to 45 from two minutes on.
    pub fn failed(&self, now: Timestamp) -> u64 {
        let now_ms = u64::try_from(now.as_millis()).unwrap_or_default().max(NEVER + 1);
        let last_ms = self.last_ms.swap(now_ms, Ordering::Relaxed);
        let since_ms = begun(self.since_ms.load(Ordering::Relaxed), last_ms, now_ms);
        // Of two concurrent failures either may be the first.
        self.since_ms.store(since_ms, Ordering::Relaxed);
        jittered(wait_s(now_ms.saturating_sub(since_ms)), &self.failures)
    }

    /// Records a success: the next failure starts a new outage. Costs one atomic load while there is no outage.
    pub fn over(&self) {
        if self.since_ms.load(Ordering::Relaxed) != NEVER {
            self.since_ms.store(NEVER, Ordering::Relaxed);
        }
    }
}

/// Seconds to wait for refusals that do not depend on an outage's duration. `refusals` is their count so far.
pub fn jittered(wait_s: u64, refusals: &AtomicU32) -> u64 {
    with_jitter(wait_s, refusals.fetch_add(1, Ordering::Relaxed))
}

/// Adds jitter to a wait in seconds: up to half of it and at least one second, by the request's number `n`, so that
/// clients do not retry at once.
pub const fn with_jitter(retry_after_s: u64, n: u32) -> u64 {
    // Hashed, since callers may also use the number to choose which requests they refuse.
    let mut mixed = (n as u64).wrapping_add(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    let play = retry_after_s.div_ceil(2) + 1;
    retry_after_s.saturating_add((mixed ^ (mixed >> 31)) % play)
}

/// The start in milliseconds of the outage that this failure belongs to.
const fn begun(since_ms: u64, last_ms: u64, now_ms: u64) -> u64 {
    let another = since_ms == NEVER || now_ms.saturating_sub(last_ms) > FORGOTTEN_AFTER_MS;
    // A clock that was set back starts a new outage.
    if another || since_ms > now_ms { now_ms } else { since_ms }
}

const fn wait_s(lasted_ms: u64) -> u64 {
    match lasted_ms / (PART * 1_000) {
        0 => 1,
        wait if wait > LONGEST_S => LONGEST_S,
        wait => wait,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn a_wait_grows_with_its_outage_up_to_a_bound() {
        for (lasted_ms, expected) in [
            (0, 1),
            (3_999, 1),
            (7_999, 1),
            (8_000, 2),
            (60_000, 15),
            (119_999, 29),
            (120_000, 30),
            (86_400_000, 30),
            (u64::MAX, 30),
        ] {
            assert_eq!(wait_s(lasted_ms), expected, "{lasted_ms}");
        }
    }

    #[test]
    fn a_failure_belongs_to_the_outage_before_it_unless_that_is_over_or_forgotten() {
        for ((since, last, now), expected) in [
            ((NEVER, NEVER, 500), 500),
            ((500, 500, 700), 500),
            ((500, 60_000, 120_000), 500),
            ((500, 60_000, 120_001), 120_001),
            ((NEVER, 60_000, 60_001), 60_001),
            ((500, 700, 400), 400),
        ] {
            assert_eq!(begun(since, last, now), expected, "{since} {last} {now}");
        }
    }

    #[test]
    fn clients_of_one_second_come_back_in_different_ones() {
        let outage = Outage::default();
        let at = |ms: i64| Timestamp::from_millis(1_000_000 + ms);
        let first: BTreeSet<u64> = (0..100).map(|_| outage.failed(at(0))).collect();
        assert_eq!(first, BTreeSet::from([1, 2]));
        for ms in (0..=120_000).step_by(10_000) {
            outage.failed(at(ms));
        }
        let late: BTreeSet<u64> = (0..1_000).map(|_| outage.failed(at(120_000))).collect();
        assert_eq!(late, (30..=45).collect());
        outage.over();
        assert!(outage.failed(at(121_000)) <= 2);
    }
}
