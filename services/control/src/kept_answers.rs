//! Answers of the store that take long, kept for a while: pages are renewed every few seconds, and badges are asked for
//! by everyone.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, PoisonError};

use tidegate_kernel::Timestamp;

/// How many times as long as it took an answer is kept, and for how long at most.
const TIMES: u64 = 20;
const LIFETIME_MS: u64 = 30_000;

/// The answers of one kind, by what was asked.
pub struct KeptAnswers<K, V> {
    kept: Mutex<HashMap<K, Kept<V>>>,
    most: usize,
}

struct Kept<V> {
    at: Timestamp,
    lifetime_ms: u64,
    answer: Arc<V>,
}

/// For how long an answer is kept that was asked for at one time and was there at another: many times as long as it took. What
/// takes no time is asked for each time.
pub fn lifetime_ms(asked: Timestamp, at: Timestamp) -> u64 {
    at.millis_since(asked).saturating_mul(TIMES).min(LIFETIME_MS)
}

impl<K: Eq + Hash, V> KeptAnswers<K, V> {
    /// `most`: how many are kept at a time.
    pub fn new(most: usize) -> Self {
        KeptAnswers { kept: Mutex::default(), most }
    }

    /// The answer, if it is kept still.
    pub fn known(&self, question: &K, now: Timestamp) -> Option<Arc<V>> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let found = kept.get(question).filter(|one| one.is_fresh(now))?;
        Some(found.answer.clone())
    }

    /// The answer, if it is kept, also where it has been out of date for less than `more_ms`.
    pub fn known_or_stale(&self, question: &K, now: Timestamp, more_ms: u64) -> Option<Arc<V>> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let found = kept.get(question).filter(|one| one.is_younger(now, one.lifetime_ms.saturating_add(more_ms)))?;
        Some(found.answer.clone())
    }

    /// Keeps an answer that was there `at`, unless as many are kept as may be.
    pub fn keep(&self, question: K, at: Timestamp, lifetime_ms: u64, answer: Arc<V>) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() >= self.most {
            kept.retain(|_, one| one.is_fresh(at));
        }
        if kept.len() < self.most {
            kept.insert(question, Kept { at, lifetime_ms, answer });
        }
    }
}

impl<V> Kept<V> {
    fn is_fresh(&self, now: Timestamp) -> bool {
        self.is_younger(now, self.lifetime_ms)
    }

    fn is_younger(&self, now: Timestamp, age_ms: u64) -> bool {
        self.at <= now && now.millis_since(self.at) < age_ms
    }
}

#[cfg(test)]
mod tests {
    use tidegate_agentping_testkit::NOON;

    use super::*;

    #[test]
    fn an_answer_is_kept_for_as_long_as_it_took_many_times_over() {
        let kept = KeptAnswers::<&str, u32>::new(10);
        let after = |ms: i64| NOON.plus_millis(ms);
        let keep = |question, asked, answer| kept.keep(question, NOON, lifetime_ms(asked, NOON), Arc::new(answer));
        keep("fast", NOON, 1);
        assert_eq!(kept.known(&"fast", NOON), None);
        keep("slow", after(-2), 2);
        assert_eq!(kept.known(&"slow", after(39)), Some(Arc::new(2)));
        assert_eq!(kept.known(&"slow", after(40)), None);
        assert_eq!(kept.known(&"slow", after(-1)), None, "a clock that goes back");
        keep("slowest", after(-60_000), 3);
        assert_eq!(kept.known(&"slowest", after(29_999)), Some(Arc::new(3)));
        assert_eq!(kept.known(&"slowest", after(30_000)), None);
        assert_eq!(kept.known_or_stale(&"slowest", after(89_999), 60_000), Some(Arc::new(3)));
        assert_eq!(kept.known_or_stale(&"slowest", after(90_000), 60_000), None);
    }
}
