//! The state of a running replay: the work writes it, the progress lines read it.

use std::time::Duration;

use tidegate_lifecycle::Stop;
use tokio::sync::watch;
use tokio::time::sleep;

use crate::error::ReplayError;
use crate::traffic::Yield;

/// The state at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReplayState {
    /// Records looked at, of `total`.
    pub done: u64,
    pub total: u64,
    /// Records appended, in a dry run folded, since this process began.
    pub records: u64,
    pub doing: Doing,
    /// Where the time since this process began went.
    pub spent: Spent,
}

/// Time by what it was spent on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Spent {
    pub reading: Duration,
    pub asking_the_store: Duration,
    pub appending: Duration,
    /// Keeping to the rate, or waiting for live traffic.
    pub waiting: Duration,
}

impl Spent {
    /// What bounds the pace, where that is not the rate or live traffic: what most of the time went into.
    pub fn bound(&self) -> Option<&'static str> {
        let Spent { reading, asking_the_store, appending, waiting } = *self;
        let work = reading + asking_the_store + appending;
        // A fifth of waiting means that the work would be done faster.
        if work < BOUND_FROM || waiting * 4 > work {
            return None;
        }
        let all = [
            (reading, "reading the log"),
            (asking_the_store, "asking the store"),
            (appending, "the log's acknowledgements, one after the other for records of one run"),
        ];
        all.into_iter().max_by_key(|(spent, _)| *spent).map(|(_, what)| what)
    }
}

/// With less work than this, nothing can be said.
const BOUND_FROM: Duration = Duration::from_secs(2);

/// What the replay is doing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Doing {
    Going,
    Yielding(Yield),
    /// Something fails, and is tried until it works.
    Trying {
        what: &'static str,
        why: String,
    },
}

/// How the work ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    Whole,
    /// Stopped before.
    Stopped,
}

const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LAST_PAUSE: Duration = Duration::from_secs(5);

/// Tries until it works, and notes in the state why it fails; `None`: stopped before.
///
/// # Errors
/// What does not pass by waiting.
pub async fn patiently<T, E: Into<ReplayError>>(
    what: &'static str,
    state: &watch::Sender<ReplayState>,
    stop: &Stop,
    mut attempt: impl AsyncFnMut() -> Result<T, E>,
) -> Result<Option<T>, ReplayError> {
    let mut pause = FIRST_PAUSE;
    loop {
        match attempt().await.map_err(Into::<ReplayError>::into) {
            Ok(done) => {
                if pause > FIRST_PAUSE {
                    doing(state, Doing::Going);
                }
                return Ok(Some(done));
            }
            Err(error) if error.may_pass() => doing(state, Doing::Trying { what, why: error.to_string() }),
            Err(error) => return Err(error),
        }
        if !rest(pause, stop).await {
            return Ok(None);
        }
        pause = (pause * 2).min(LAST_PAUSE);
    }
}

/// Notes what the replay is doing.
pub fn doing(state: &watch::Sender<ReplayState>, now: Doing) {
    state.send_if_modified(|state| {
        let changes = state.doing != now;
        state.doing = now;
        changes
    });
}

/// Waits; `false` if it was stopped meanwhile.
pub async fn rest(span: Duration, stop: &Stop) -> bool {
    tokio::select! {
        biased;
        () = stop.clone().stopped() => false,
        () = sleep(span) => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_most_time_goes_into_bounds_a_replay_that_hardly_waits() {
        let s = Duration::from_secs;
        let spent = |reading, asking_the_store, appending, waiting| Spent {
            reading: s(reading),
            asking_the_store: s(asking_the_store),
            appending: s(appending),
            waiting: s(waiting),
        };
        assert!(spent(1, 2, 7, 1).bound().is_some_and(|what| what.contains("acknowledgements")));
        assert_eq!(spent(1, 7, 2, 0).bound(), Some("asking the store"));
        assert_eq!(spent(7, 1, 2, 2).bound(), Some("reading the log"));
        assert_eq!(spent(1, 1, 2, 9).bound(), None, "its rate bounds it");
        assert_eq!(spent(0, 0, 1, 0).bound(), None, "too early to say");
    }
}
