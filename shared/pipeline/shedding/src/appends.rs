//! Whether the log takes records at all. A single record that it did not take concerns one client. A log that has taken
//! none for a while, though it was asked, concerns the operator: readiness names it.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use tidegate_kernel::Timestamp;

/// A log that fails for less is not named: leaders move, disks stall.
const LASTS_MS: i64 = 2_000;
/// Without another failure for this long, the log's state is not known any more: a front door that gets no requests
/// because it is not ready must get some, or it would never find out that the log is back.
const FORGOTTEN_AFTER_MS: i64 = 15_000;

/// Since when the appends of a front door fail. A successful append costs a relaxed load.
#[derive(Debug, Default)]
pub struct Appends {
    is_failing: AtomicBool,
    failing: Mutex<Option<Failing>>,
}

#[derive(Debug)]
struct Failing {
    since: Timestamp,
    last: Timestamp,
    cause: String,
}

impl Appends {
    /// The log took a record.
    pub fn succeeded(&self) {
        if self.is_failing.load(Ordering::Relaxed) {
            let mut failing = self.failing.lock().unwrap_or_else(PoisonError::into_inner);
            *failing = None;
            // Under the lock, so that it is never false while something fails.
            self.is_failing.store(false, Ordering::Relaxed);
        }
    }

    /// The log refused a record, or it is not known whether it has it.
    pub fn failed(&self, now: Timestamp, cause: &str) {
        let mut failing = self.failing.lock().unwrap_or_else(PoisonError::into_inner);
        match failing.as_mut().filter(|failing| !is_forgotten(failing, now)) {
            Some(failing) => {
                failing.last = now;
                cause.clone_into(&mut failing.cause);
            }
            None => *failing = Some(Failing { since: now, last: now, cause: cause.to_owned() }),
        }
        self.is_failing.store(true, Ordering::Relaxed);
    }

    /// Why the log takes nothing, if it has taken nothing for a while.
    pub fn refused(&self, now: Timestamp) -> Option<String> {
        let failing = self.failing.lock().unwrap_or_else(PoisonError::into_inner);
        let failing = failing.as_ref().filter(|failing| !is_forgotten(failing, now))?;
        let lasted_ms = failing.last.as_millis() - failing.since.as_millis();
        let seconds = lasted_ms / 1_000;
        (lasted_ms >= LASTS_MS).then(|| format!("no record was taken for {seconds} s: {}", failing.cause))
    }
}

fn is_forgotten(failing: &Failing, now: Timestamp) -> bool {
    now.as_millis() - failing.last.as_millis() >= FORGOTTEN_AFTER_MS
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn at(millis: i64) -> Timestamp {
        Timestamp::from_millis(1_778_846_400_000 + millis)
    }

    #[test]
    fn a_log_that_takes_nothing_for_a_while_is_named_until_it_takes_something() {
        let appends = Appends::default();
        assert_eq!(appends.refused(at(0)), None);
        appends.failed(at(0), "the leader moves");
        appends.failed(at(1_999), "the leader moves");
        assert_eq!(appends.refused(at(1_999)), None, "one that fails for a moment is not");
        appends.failed(at(2_000), "the disk is full");
        let named = Some("no record was taken for 2 s: the disk is full".to_owned());
        assert_eq!(appends.refused(at(2_000)), named);
        assert_eq!(appends.refused(at(9_000)), named);
        appends.succeeded();
        assert_eq!(appends.refused(at(9_000)), None);
        appends.failed(at(9_001), "again");
        assert_eq!(appends.refused(at(9_001)), None, "counted anew");
    }

    #[test]
    fn without_another_failure_it_is_forgotten() {
        let appends = Appends::default();
        appends.failed(at(0), "the disk is full");
        appends.failed(at(5_000), "the disk is full");
        assert!(appends.refused(at(19_999)).is_some());
        assert_eq!(appends.refused(at(20_000)), None, "a request has to try it");
        appends.failed(at(60_000), "the disk is full");
        assert_eq!(appends.refused(at(60_000)), None, "counted anew");
    }
}
