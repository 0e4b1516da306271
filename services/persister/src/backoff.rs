//! Growing pauses between tries. What is on the log waits there, so trying goes on until it works.

use std::fmt::Display;
use std::time::Duration;

use tidegate_ports::FailureKind;

use crate::tally::Tally;

const FIRST: Duration = Duration::from_millis(50);
const LAST: Duration = Duration::from_secs(5);

/// The pauses of one step. Every step that is tried again changes nothing when it was done before.
pub(crate) struct Backoff<'a> {
    step: &'static str,
    tally: &'a Tally,
    pause: Duration,
}

impl<'a> Backoff<'a> {
    pub fn new(step: &'static str, tally: &'a Tally) -> Self {
        Backoff { step, tally, pause: FIRST }
    }

    /// Logs what went wrong and its kind, and waits.
    pub async fn wait<E: Display + Sync>(&mut self, error: &E)
    where
        for<'e> &'e E: Into<FailureKind>,
    {
        let kind: FailureKind = error.into();
        self.tally.retries.increment(1);
        let retry_in_ms = self.pause.as_millis() as u64;
        tracing::warn!(step = self.step, %kind, %error, retry_in_ms, "not done; the records wait on the log");
        tokio::time::sleep(self.pause).await;
        self.pause = (self.pause * 2).min(LAST);
    }
}
