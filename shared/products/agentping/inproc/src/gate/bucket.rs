//! The token bucket, in whole numbers: no drift, no rounding in anyone's favour.

use tidegate_agentping::Limits;
use tidegate_kernel::Timestamp;

const MICRO: u64 = 1_000_000;
/// A clock that goes back further than this was set back; less is callers overtaking each other.
const CLOCK_SET_BACK_MS: u64 = 60_000;

/// How a bucket fills.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BucketRate {
    /// Thousandths of a token per second, at least 1.
    refill_milli_per_s: u64,
    capacity_micro: u64,
}

impl BucketRate {
    /// A team's rate (AgentPing: rate): capacity is the burst, refill the sustained rate. `None`: no limit.
    pub fn of(limits: &Limits) -> Option<Self> {
        BucketRate::share_of(limits, 1_000)
    }

    /// The given thousandths of a team's rate and burst; at least one token fits.
    pub fn share_of(limits: &Limits, permille: u32) -> Option<Self> {
        let (sustained, burst) = (u64::from(limits.sustained_per_s?), u64::from(limits.burst?));
        Some(BucketRate {
            refill_milli_per_s: (sustained * u64::from(permille)).max(1),
            capacity_micro: (burst * u64::from(permille) * (MICRO / 1_000)).max(MICRO),
        })
    }
}

/// One bucket. It starts full.
#[derive(Clone, Copy, Debug)]
pub struct TokenBucket {
    level_micro: u64,
    as_of: Timestamp,
}

impl TokenBucket {
    pub const fn full(now: Timestamp) -> Self {
        TokenBucket { level_micro: u64::MAX, as_of: now }
    }

    /// Takes one token.
    ///
    /// # Errors
    /// None is there: the seconds until one is, at least 1 (AgentPing: rate).
    pub fn take(&mut self, rate: BucketRate, now: Timestamp) -> Result<(), u64> {
        // Thousandths of a token per second are millionths per millisecond.
        let gained = now.millis_since(self.as_of).saturating_mul(rate.refill_milli_per_s);
        self.level_micro = self.level_micro.saturating_add(gained).min(rate.capacity_micro);
        let set_back = self.as_of.millis_since(now) > CLOCK_SET_BACK_MS;
        self.as_of = if set_back { now } else { self.as_of.max(now) };
        match self.level_micro.checked_sub(MICRO) {
            Some(rest) => {
                self.level_micro = rest;
                Ok(())
            }
            None => Err((MICRO - self.level_micro).div_ceil(rate.refill_milli_per_s * 1_000).max(1)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rate(sustained: u32, burst: u32) -> BucketRate {
        let limits = Limits { sustained_per_s: Some(sustained), burst: Some(burst), ..Limits::default() };
        BucketRate::of(&limits).unwrap()
    }

    #[test]
    fn a_bucket_starts_full_and_says_when_to_come_back() {
        let at = Timestamp::from_millis;
        let mut bucket = TokenBucket::full(at(0));
        for _ in 0..3 {
            assert_eq!(bucket.take(rate(2, 3), at(0)), Ok(()));
        }
        assert_eq!(bucket.take(rate(2, 3), at(0)), Err(1));
        assert_eq!(bucket.take(rate(2, 3), at(499)), Err(1));
        assert_eq!(bucket.take(rate(2, 3), at(500)), Ok(()));
        assert_eq!(bucket.take(rate(2, 3), at(600_000)), Ok(()), "and never holds more than its burst");
        assert_eq!(bucket.level_micro, 2 * MICRO);
    }

    #[test]
    fn waits_longer_than_a_second_are_rounded_up() {
        let limits = Limits { sustained_per_s: Some(1), burst: Some(1), ..Limits::default() };
        let tenth = BucketRate::share_of(&limits, 100).unwrap();
        let mut bucket = TokenBucket::full(Timestamp::from_millis(0));
        assert_eq!(bucket.take(tenth, Timestamp::from_millis(0)), Ok(()));
        assert_eq!(bucket.take(tenth, Timestamp::from_millis(1)), Err(10));
        assert_eq!(bucket.take(tenth, Timestamp::from_millis(9_999)), Err(1));
        assert_eq!(bucket.take(tenth, Timestamp::from_millis(10_000)), Ok(()));
    }

    #[test]
    fn callers_overtaking_each_other_gain_nothing_and_a_clock_set_back_blocks_nobody() {
        let mut bucket = TokenBucket::full(Timestamp::from_millis(100_000));
        assert_eq!(bucket.take(rate(1, 1), Timestamp::from_millis(100_000)), Ok(()));
        for now in [99_000, 100_000, 99_000, 100_500] {
            assert!(bucket.take(rate(1, 1), Timestamp::from_millis(now)).is_err());
        }
        assert!(bucket.take(rate(1, 1), Timestamp::from_millis(1_000)).is_err());
        assert_eq!(bucket.take(rate(1, 1), Timestamp::from_millis(2_000)), Ok(()));
    }

    #[test]
    fn without_numbers_there_is_no_limit() {
        assert_eq!(BucketRate::of(&Limits::default()), None);
    }
}
