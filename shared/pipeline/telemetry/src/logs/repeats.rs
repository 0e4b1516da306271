//! Limits warnings and errors to one line per cause and five seconds. A failure that repeats with every request, poll
//! or retry is printed once; repeats are counted, and the last one is printed with the count after the five seconds.
//! Every failure appears in the log, and none can fill a disk.

use std::collections::HashMap;
use std::hash::Hash;
use std::time::Duration;

use super::shape::Shape;

/// A cause is printed at most once in this time.
pub const EVERY: Duration = Duration::from_secs(5);

/// Causes of one call site that are distinguished; further ones count as one.
pub const CAUSES: usize = 8;

/// The identity of a repeated line: its call site and the hash of its cause.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Key<P> {
    pub call_site: P,
    pub cause: u64,
}

/// The causes of the last few seconds.
#[derive(Debug)]
pub struct Repeats<P> {
    seen: HashMap<Key<P>, Seen>,
}

#[derive(Debug)]
struct Seen {
    printed_at: Duration,
    /// The lines not printed since then: their count and the last one.
    suppressed: u64,
    last: String,
}

impl Seen {
    fn is_over(&self, now: Duration) -> bool {
        now.saturating_sub(self.printed_at) >= EVERY
    }

    /// The last line with the count of those before it.
    fn take(&mut self, shape: Shape) -> Option<String> {
        let before = std::mem::take(&mut self.suppressed).checked_sub(1)?;
        Some(shape.counted(std::mem::take(&mut self.last), before))
    }
}

impl<P: Clone + Eq + Hash> Repeats<P> {
    pub fn new() -> Self {
        Repeats { seen: HashMap::new() }
    }

    /// What to print now: the line with the count of suppressed ones, or nothing.
    pub fn judge(&mut self, key: Key<P>, now: Duration, line: String, shape: Shape) -> Option<String> {
        let key = self.bounded(key);
        match self.seen.get_mut(&key) {
            None => {
                self.seen.insert(key, Seen { printed_at: now, suppressed: 0, last: String::new() });
                Some(line)
            }
            Some(seen) if seen.is_over(now) => {
                seen.printed_at = now;
                seen.last.clear();
                Some(shape.counted(line, std::mem::take(&mut seen.suppressed)))
            }
            Some(seen) => {
                seen.suppressed += 1;
                seen.last = line;
                None
            }
        }
    }

    /// The last line of every cause whose time is over. Causes without a repeat are dropped.
    pub fn due(&mut self, now: Duration, shape: Shape) -> Vec<String> {
        let mut lines = Vec::new();
        self.seen.retain(|_, seen| {
            if !seen.is_over(now) {
                return true;
            }
            seen.printed_at = now;
            let line = seen.take(shape);
            let came_again = line.is_some();
            lines.extend(line);
            came_again
        });
        lines
    }

    /// The last line of every cause, at the end of the process.
    pub fn rest(&mut self, shape: Shape) -> Vec<String> {
        self.seen.values_mut().filter_map(|seen| seen.take(shape)).collect()
    }

    fn bounded(&self, key: Key<P>) -> Key<P> {
        let others = || self.seen.keys().filter(|seen| seen.call_site == key.call_site).count();
        if self.seen.contains_key(&key) || others() < CAUSES { key } else { Key { cause: u64::MAX, ..key } }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn at(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    struct Log(Repeats<&'static str>);

    impl Log {
        fn says(&mut self, call_site: &'static str, cause: u64, millis: u64) -> Option<String> {
            self.0.judge(Key { call_site, cause }, at(millis), format!("{call_site} at {millis}\n"), Shape::Text)
        }

        fn due(&mut self, millis: u64) -> Vec<String> {
            self.0.due(at(millis), Shape::Text)
        }
    }

    #[test]
    fn a_cause_is_printed_once_in_five_seconds_with_the_count_of_the_rest() {
        let mut log = Log(Repeats::new());
        assert_eq!(log.says("append", 1, 0).as_deref(), Some("append at 0\n"));
        for millis in 1..1_000 {
            assert_eq!(log.says("append", 1, millis), None);
        }
        assert_eq!(log.says("append", 2, 5).as_deref(), Some("append at 5\n"), "another cause");
        assert_eq!(log.says("lag", 1, 6).as_deref(), Some("lag at 6\n"), "another call site");
        assert!(log.due(4_999).is_empty());
        assert_eq!(log.due(5_000), ["append at 999 suppressed=998\n"]);
        // A line printed here starts the next five seconds.
        assert_eq!(log.says("append", 1, 9_999), None);
        assert_eq!(log.says("append", 1, 10_000).as_deref(), Some("append at 10000 suppressed=1\n"));
        assert_eq!(log.says("append", 1, 10_001), None);
        assert_eq!(log.0.rest(Shape::Text), ["append at 10001\n"], "at the end nothing is kept back");
    }

    #[test]
    fn a_cause_that_is_over_is_forgotten() {
        let mut log = Log(Repeats::new());
        log.says("append", 1, 0);
        assert!(log.due(5_000).is_empty());
        assert!(log.0.seen.is_empty());
        assert_eq!(log.says("append", 1, 5_001).as_deref(), Some("append at 5001\n"));
    }

    #[test]
    fn the_causes_of_a_place_are_bounded() {
        let mut log = Log(Repeats::new());
        let printed = (0..1_000).filter(|cause| log.says("append", *cause, 0).is_some()).count();
        assert_eq!(printed, CAUSES + 1);
        assert_eq!(log.0.seen.len(), CAUSES + 1);
        assert!(log.says("lag", 1_000, 0).is_some(), "other call sites are not concerned");
    }
}
