//! When a try that failed is repeated. Pure.

use std::time::Duration;

use tidegate_kernel::free_json::text_hash;

/// The pauses between tries. After the last one a message is given up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RetryPlan {
    /// After the first try that failed, the second one, and so on.
    pub pauses: &'static [Duration],
    /// How many hundredths of a pause may be added, so that messages that failed together are not repeated together.
    pub jitter_percent: u32,
    /// The longest pause that a receiver can ask for (`Retry-After`).
    pub asked_at_most: Duration,
}

impl RetryPlan {
    /// The pause after `tries` tries that failed; `None`: that was the last one. How much is added follows from the
    /// message's id, so that whoever asks gets the same. A longer pause that the receiver asked for holds instead, up to
    /// the plan's limit.
    pub fn pause(&self, id: &str, tries: u32, asked: Option<Duration>) -> Option<Duration> {
        let index = usize::try_from(tries.checked_sub(1)?).ok()?;
        let pause = *self.pauses.get(index)?;
        let part = text_hash(&[id.as_bytes(), &tries.to_be_bytes()]) % 1_000;
        let most_ms = pause.as_millis() as u64 / 100 * u64::from(self.jitter_percent);
        let planned = pause + Duration::from_millis(most_ms * part / 1_000);
        Some(planned.max(self.granted(asked).unwrap_or_default()))
    }

    /// As much of a pause that a receiver asked for as the plan grants.
    pub fn granted(&self, asked: Option<Duration>) -> Option<Duration> {
        asked.map(|asked| asked.min(self.asked_at_most))
    }

    /// How many tries there are.
    pub const fn tries(&self) -> usize {
        self.pauses.len() + 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAN: RetryPlan = RetryPlan {
        pauses: &[Duration::from_secs(5), Duration::from_secs(120)],
        jitter_percent: 10,
        asked_at_most: Duration::from_secs(600),
    };

    #[test]
    fn a_pause_grows_with_the_tries_and_differs_by_id() {
        let mut first = Vec::new();
        for number in 0..200 {
            let id = format!("evt_{number}");
            let [one, two] = [1, 2].map(|tries| PLAN.pause(&id, tries, None).unwrap());
            assert!((5_000..=5_500).contains(&one.as_millis()), "{one:?}");
            assert!((120_000..=132_000).contains(&two.as_millis()), "{two:?}");
            assert_eq!(PLAN.pause(&id, 1, None), Some(one), "the same again");
            first.push(one);
        }
        first.sort_unstable();
        first.dedup();
        assert!(first.len() > 100, "{} pauses of 200 differ", first.len());
    }

    #[test]
    fn the_last_try_has_no_pause_behind_it() {
        assert_eq!(PLAN.tries(), 3);
        assert!(PLAN.pause("evt", 2, None).is_some());
        assert_eq!([0, 3, 4, u32::MAX].map(|tries| PLAN.pause("evt", tries, Some(Duration::MAX))), [None; 4]);
    }

    #[test]
    fn a_receiver_gets_the_longer_pause_that_it_asks_for_within_bounds() {
        let [after_one, after_two] = [1, 2].map(|tries| PLAN.pause("evt", tries, None).unwrap());
        for (asked_s, one, two) in [
            (0, after_one, after_two),
            (4, after_one, after_two),
            (60, Duration::from_secs(60), after_two),
            (600, PLAN.asked_at_most, PLAN.asked_at_most),
            (601, PLAN.asked_at_most, PLAN.asked_at_most),
        ] {
            let asked = Some(Duration::from_secs(asked_s));
            assert_eq!([1, 2].map(|tries| PLAN.pause("evt", tries, asked)), [Some(one), Some(two)], "{asked_s} s");
        }
        assert_eq!(PLAN.pause("evt", 2, Some(Duration::MAX)), Some(PLAN.asked_at_most));
    }
}
