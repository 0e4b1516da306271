//! How a running replay stands: written by the work, read by who tells of it.

use std::time::Duration;

use tidegate_lifecycle::Stop;
use tidegate_ports::{AppendError, LogError, StoreError};
use tokio::sync::watch;
use tokio::time::sleep;

use super::traffic::Yield;

/// One moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    /// Places looked at, of how many.
    pub done: u64,
    pub total: u64,
    /// Records appended, in a dry run folded, since this process began.
    pub records: u64,
    pub doing: Doing,
    /// What the time since this process began went into.
    pub spent: Spent,
}

/// Time by what it went into.
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

/// Less work than this says nothing.
const BOUND_FROM: Duration = Duration::from_secs(2);

/// What it does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Doing {
    Going,
    Yielding(Yield),
    /// Something does not work now and is tried until it does.
    Trying {
        what: &'static str,
        why: String,
    },
}

/// How the work ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    Whole,
    /// Told to stop before.
    Stopped,
}

/// A failure, judged.
pub enum Trouble {
    Passing(String),
    Lasting(String),
}

impl From<LogError> for Trouble {
    fn from(error: LogError) -> Self {
        match &error {
            LogError::Unavailable(_) => Trouble::Passing(error.to_string()),
            LogError::Broken(_) => Trouble::Lasting(error.to_string()),
        }
    }
}

impl From<StoreError> for Trouble {
    fn from(error: StoreError) -> Self {
        match &error {
            StoreError::Unavailable(_) => Trouble::Passing(error.to_string()),
            StoreError::Broken(_) | StoreError::Refused(_) => Trouble::Lasting(error.to_string()),
        }
    }
}

impl From<AppendError> for Trouble {
    fn from(error: AppendError) -> Self {
        match &error {
            // Appending once more what may be there already is what the fold is for.
            AppendError::NotPersisted(_) | AppendError::Unknown(_) => Trouble::Passing(error.to_string()),
            AppendError::TooLarge { .. } => Trouble::Lasting(error.to_string()),
        }
    }
}

const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LAST_PAUSE: Duration = Duration::from_secs(5);

/// Tries until it works, telling why not; `None`: told to stop before.
///
/// # Errors
/// What does not pass by waiting.
pub async fn patiently<T, E: Into<Trouble>>(
    what: &'static str,
    standing: &watch::Sender<Standing>,
    stop: &Stop,
    mut attempt: impl AsyncFnMut() -> Result<T, E>,
) -> Result<Option<T>, String> {
    let mut pause = FIRST_PAUSE;
    loop {
        match attempt().await.map_err(Into::into) {
            Ok(done) => {
                if pause > FIRST_PAUSE {
                    doing(standing, Doing::Going);
                }
                return Ok(Some(done));
            }
            Err(Trouble::Lasting(why)) => return Err(why),
            Err(Trouble::Passing(why)) => doing(standing, Doing::Trying { what, why }),
        }
        if !rest(pause, stop).await {
            return Ok(None);
        }
        pause = (pause * 2).min(LAST_PAUSE);
    }
}

/// Notes what is done now.
pub fn doing(standing: &watch::Sender<Standing>, now: Doing) {
    standing.send_if_modified(|standing| {
        let changes = standing.doing != now;
        standing.doing = now;
        changes
    });
}

/// Waits so long; whether it may go on then.
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
