//! Units that may be on the log: what a count is at least, once the store has said what it has.

use tidegate_kernel::Timestamp;

/// A high-water mark is set so often at most.
const MARK_EVERY_MS: u64 = 30_000;

/// All units of requests that were admitted, with what they were at two high-water marks. A request that joins a claim
/// or takes it over puts the claim's units at stake again.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Stake {
    admitted: u64,
    last: Option<Timestamp>,
    /// Units admitted before these moments; the later one first.
    marks: [Option<(Timestamp, u64)>; 2],
    settled_to: Option<Timestamp>,
}

impl Stake {
    pub fn admit(&mut self, units: u64, now: Timestamp) {
        if units == 0 {
            return;
        }
        if self.marks[0].is_none_or(|(at, _)| now.millis_since(at) >= MARK_EVERY_MS) {
            self.marks = [Some((now, self.admitted)), self.marks[0]];
        }
        self.admitted += units;
        self.last = self.last.max(Some(now));
    }

    /// The most units that were admitted after `up_to`; `None` where that is not known any more.
    pub fn since(&self, up_to: Timestamp) -> Option<u64> {
        if self.last <= Some(up_to) {
            return Some(0);
        }
        let mark = self.marks.iter().flatten().find(|(at, _)| *at <= up_to)?;
        Some(self.admitted - mark.1)
    }

    pub fn settle(&mut self, up_to: Timestamp) {
        self.settled_to = self.settled_to.max(Some(up_to));
    }

    /// Whether units that were taken at `at` are given back already, unless the store has them.
    pub fn is_settled(&self, at: Timestamp) -> bool {
        Some(at) <= self.settled_to
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_admitted_since_is_never_too_little() {
        let at = Timestamp::from_millis;
        let mut stake = Stake::default();
        for second in 0..100 {
            stake.admit(1, at(second * 1_000));
        }
        for second in 0..100 {
            let since = stake.since(at(second * 1_000));
            let exact = 99 - second as u64;
            assert!(since.is_none_or(|since| since >= exact), "{second}: {since:?}");
            // Marks are at 60 s and 90 s.
            assert_eq!(since.is_some(), second >= 60, "{second}");
        }
        assert_eq!(
            (stake.since(at(60_000)), stake.since(at(90_000)), stake.since(at(99_000))),
            (Some(40), Some(10), Some(0))
        );
        assert!(!stake.is_settled(at(0)));
        stake.settle(at(5));
        assert!(stake.is_settled(at(5)) && !stake.is_settled(at(6)));
    }
}
