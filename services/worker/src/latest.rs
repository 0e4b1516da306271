//! What a command has reported so far, and what of it is to be sent next. Pure.

use std::collections::VecDeque;
use std::sync::Arc;

use serde_json::{Map, Value};

/// Verifications of a run that wait to be sent. With one more, the oldest of them is not sent.
pub const MOST_VERIFICATIONS: usize = 32;

/// The progress of a command so far. Clones share the verifications.
#[derive(Clone, Debug, Default)]
pub struct Latest {
    pub iterations: Option<u32>,
    /// The last ones, in their order.
    verifications: VecDeque<Verified>,
    /// How many verifications there were.
    count: u64,
}

/// A verification, and the iterations at its time.
#[derive(Clone, Debug)]
struct Verified {
    iterations: Option<u32>,
    verification: Arc<Map<String, Value>>,
}

/// What is to be sent next.
#[derive(Debug, PartialEq)]
pub struct NextProgress<'a> {
    pub iterations: Option<u32>,
    pub verification: Option<&'a Map<String, Value>>,
    /// How many verifications there were up to this one.
    pub count: u64,
}

impl Latest {
    /// Takes a line of progress.
    pub fn take(&mut self, iterations: Option<u32>, verification: Option<Map<String, Value>>) {
        self.iterations = iterations.or(self.iterations);
        if let Some(verification) = verification {
            if self.verifications.len() == MOST_VERIFICATIONS {
                self.verifications.pop_front();
            }
            self.verifications
                .push_back(Verified { iterations: self.iterations, verification: Arc::new(verification) });
            self.count += 1;
        }
    }

    /// What comes after so many verifications: the next one that is still there, or the iterations alone.
    pub fn after(&self, sent: u64) -> NextProgress<'_> {
        let forgotten = self.count - self.verifications.len() as u64;
        let before = sent.max(forgotten);
        let at = usize::try_from(before - forgotten).unwrap_or(usize::MAX);
        match self.verifications.get(at) {
            Some(Verified { iterations, verification }) => {
                NextProgress { iterations: *iterations, verification: Some(&**verification), count: before + 1 }
            }
            None => NextProgress { iterations: self.iterations, verification: None, count: self.count },
        }
    }

    /// How many verifications there are after so many.
    pub fn unsent(&self, sent: u64) -> u64 {
        self.count.saturating_sub(sent)
    }

    /// Whether something is to be sent after `sent`.
    pub fn has_more(&self, sent: &NextProgress<'_>) -> bool {
        self.count > sent.count || self.iterations != sent.iterations
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn verification(number: u64) -> Map<String, Value> {
        Map::from_iter([("number".to_owned(), json!(number))])
    }

    #[test]
    fn each_verification_is_sent_with_its_own_iterations_and_then_what_came_last() {
        let mut latest = Latest::default();
        assert_eq!(latest.after(0), NextProgress { iterations: None, verification: None, count: 0 });
        latest.take(Some(1), Some(verification(1)));
        latest.take(None, Some(verification(2)));
        latest.take(Some(3), None);
        let (first, second) = (verification(1), verification(2));
        assert_eq!([0, 1, 2].map(|sent| latest.unsent(sent)), [2, 1, 0]);
        for (sent, iterations, verification, count, has_more) in
            [(0, 1, Some(&first), 1, true), (1, 1, Some(&second), 2, true), (2, 3, None, 2, false)]
        {
            let next = latest.after(sent);
            assert_eq!(next, NextProgress { iterations: Some(iterations), verification, count });
            assert_eq!(latest.has_more(&next), has_more, "{sent} are sent");
        }
    }

    #[test]
    fn the_oldest_of_too_many_are_passed_over() {
        let mut latest = Latest::default();
        let most = MOST_VERIFICATIONS as u64;
        for number in 1..=most + 3 {
            latest.take(None, Some(verification(number)));
        }
        for (sent, expected) in [(0, 4), (2, 4), (3, 4), (4, 5), (most + 2, most + 3)] {
            let next = latest.after(sent);
            assert_eq!((next.verification, next.count), (Some(&verification(expected)), expected), "{sent} are sent");
        }
        assert_eq!(latest.after(most + 3).verification, None);
    }
}
