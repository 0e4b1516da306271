//! Answers of the store that took long, kept for many times as long as they took: pages are renewed every few seconds. What
//! takes no time is asked for each time.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, PoisonError};

use tidegate_kernel::Timestamp;

/// How many times as long as it took an answer is kept, and for how long at most.
const TIMES: u64 = 20;
const LIFETIME_MS: u64 = 30_000;
/// Answers that are kept of one kind.
const KEPT: usize = 100;

/// The answers of one kind, by what was asked.
pub(crate) struct KeptAnswers<K, V>(Mutex<HashMap<K, Kept<V>>>);

struct Kept<V> {
    at: Timestamp,
    lifetime_ms: u64,
    answer: Arc<V>,
}

impl<K, V> Default for KeptAnswers<K, V> {
    fn default() -> Self {
        KeptAnswers(Mutex::default())
    }
}

impl<K: Eq + Hash, V> KeptAnswers<K, V> {
    /// The answer, if it is kept still.
    pub fn known(&self, question: &K, now: Timestamp) -> Option<Arc<V>> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let found = kept.get(question).filter(|one| one.is_fresh(now))?;
        Some(found.answer.clone())
    }

    /// `asked` and `at`: when it was asked for, and when it was there.
    pub fn keep(&self, question: K, asked: Timestamp, at: Timestamp, answer: Arc<V>) {
        let lifetime_ms = at.millis_since(asked).saturating_mul(TIMES).min(LIFETIME_MS);
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() >= KEPT {
            kept.retain(|_, one| one.is_fresh(at));
        }
        if kept.len() < KEPT {
            kept.insert(question, Kept { at, lifetime_ms, answer });
        }
    }
}

impl<V> Kept<V> {
    fn is_fresh(&self, now: Timestamp) -> bool {
        self.at <= now && now.millis_since(self.at) < self.lifetime_ms
    }
}

#[cfg(test)]
mod tests {
    use tidegate_agentping_testkit::NOON;

    use super::*;

    #[test]
    fn an_answer_is_kept_for_as_long_as_it_took_many_times_over() {
        let kept = KeptAnswers::<&str, u32>::default();
        let after = |ms: i64| NOON.plus_millis(ms);
        kept.keep("fast", NOON, NOON, Arc::new(1));
        assert_eq!(kept.known(&"fast", NOON), None);
        kept.keep("slow", after(-2), NOON, Arc::new(2));
        assert_eq!(kept.known(&"slow", after(39)), Some(Arc::new(2)));
        assert_eq!(kept.known(&"slow", after(40)), None);
        assert_eq!(kept.known(&"slow", after(-1)), None, "a clock that goes back");
        kept.keep("slowest", after(-60_000), NOON, Arc::new(3));
        assert_eq!(kept.known(&"slowest", after(29_999)), Some(Arc::new(3)));
        assert_eq!(kept.known(&"slowest", after(30_000)), None);
    }
}
