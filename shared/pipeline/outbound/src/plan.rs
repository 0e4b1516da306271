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
}

impl RetryPlan {
    /// The pause after `tries` tries that failed; `None`: that was the last one. How much is added follows from the
    /// message's id, so that whoever asks gets the same.
    pub fn pause(&self, id: &str, tries: u32) -> Option<Duration> {
        let index = usize::try_from(tries.checked_sub(1)?).ok()?;
        let pause = *self.pauses.get(index)?;
        let part = text_hash(&[id.as_bytes(), &tries.to_be_bytes()]) % 1_000;
        let most_ms = pause.as_millis() as u64 / 100 * u64::from(self.jitter_percent);
        Some(pause + Duration::from_millis(most_ms * part / 1_000))
    }

    /// How many tries there are.
    pub const fn tries(&self) -> usize {
        self.pauses.len() + 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAN: RetryPlan =
        RetryPlan { pauses: &[Duration::from_secs(5), Duration::from_secs(120)], jitter_percent: 10 };

    #[test]
    fn a_pause_grows_with_the_tries_and_differs_by_id() {
        let mut first = Vec::new();
        for number in 0..200 {
            let id = format!("evt_{number}");
            let [one, two] = [1, 2].map(|tries| PLAN.pause(&id, tries).unwrap());
            assert!((5_000..=5_500).contains(&one.as_millis()), "{one:?}");
            assert!((120_000..=132_000).contains(&two.as_millis()), "{two:?}");
            assert_eq!(PLAN.pause(&id, 1), Some(one), "the same again");
            first.push(one);
        }
        first.sort_unstable();
        first.dedup();
        assert!(first.len() > 100, "{} pauses of 200 differ", first.len());
    }

    #[test]
    fn the_last_try_has_no_pause_behind_it() {
        assert_eq!(PLAN.tries(), 3);
        assert!(PLAN.pause("evt", 2).is_some());
        assert_eq!([0, 3, 4, u32::MAX].map(|tries| PLAN.pause("evt", tries)), [None; 4]);
    }
}
