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
}

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
            StoreError::Broken(_) => Trouble::Lasting(error.to_string()),
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
