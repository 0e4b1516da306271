//! Whether outcomes can be read at all. While they cannot, a command that is appended would be decided, and its
//! outcome could not be answered: it is refused before.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tidegate_ports::StoreError;
use tokio::time::Instant;

/// A store that fails for less is waited for.
const LASTS: Duration = Duration::from_secs(2);
/// Without another failure for so long its state is not known any more: a request has to try it.
const FORGOTTEN_AFTER: Duration = Duration::from_secs(2);

/// Since when reads fail.
#[derive(Debug, Default)]
pub(crate) struct StoreWatch(Mutex<Option<Failing>>);

#[derive(Debug)]
struct Failing {
    since: Instant,
    last: Instant,
    error: StoreError,
}

impl StoreWatch {
    pub fn answered(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    pub fn failed(&self, error: StoreError, now: Instant) {
        let mut failing = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match failing.as_mut().filter(|failing| now - failing.last < FORGOTTEN_AFTER) {
            Some(failing) => (failing.last, failing.error) = (now, error),
            None => *failing = Some(Failing { since: now, last: now, error }),
        }
    }

    /// Why nothing can be read, if that has lasted.
    pub fn down(&self, now: Instant) -> Option<StoreError> {
        let failing = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let failing = failing.as_ref().filter(|failing| now - failing.last < FORGOTTEN_AFTER)?;
        (failing.last - failing.since >= LASTS).then(|| failing.error.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_store_is_down_once_that_lasts_until_it_answers_or_nobody_asks() {
        let began = Instant::now();
        let at = |ms| began + Duration::from_millis(ms);
        let error = || StoreError::Unavailable("as the test wants".into());
        let watch = StoreWatch::default();
        for ms in [0, 1_000, 1_999] {
            watch.failed(error(), at(ms));
            assert_eq!(watch.down(at(ms)), None);
        }
        watch.failed(error(), at(2_000));
        assert_eq!([watch.down(at(2_000)), watch.down(at(3_999))], [Some(error()), Some(error())]);
        assert_eq!(watch.down(at(4_000)), None, "a request has to try it");
        watch.failed(error(), at(4_000));
        assert_eq!(watch.down(at(4_000)), None, "counted anew");
        watch.failed(error(), at(5_900));
        watch.failed(error(), at(6_000));
        watch.answered();
        assert_eq!(watch.down(at(6_000)), None);
    }
}
