//! Growing pauses between tries. The records wait on the log, so a step is tried until it works.

use std::fmt::Display;
use std::time::Duration;

use crate::metrics::ConsumerMetrics;
use tidegate_ports::FailureKind;

const FIRST: Duration = Duration::from_millis(50);
const LAST: Duration = Duration::from_secs(5);

/// The pauses of one step. Every step that is tried again changes nothing when it was done before.
pub(crate) struct Backoff<'a> {
    step: &'static str,
    metrics: &'a ConsumerMetrics,
    pause: Duration,
}

impl<'a> Backoff<'a> {
    pub fn new(step: &'static str, metrics: &'a ConsumerMetrics) -> Self {
        Backoff { step, metrics, pause: FIRST }
    }

    /// Logs what went wrong and its kind, and waits.
    pub async fn wait<E: Display + Sync>(&mut self, error: &E)
    where
        for<'e> &'e E: Into<FailureKind>,
    {
        let kind: FailureKind = error.into();
        self.metrics.retries.increment(1);
        let retry_in_ms = self.pause.as_millis() as u64;
        tracing::warn!(step = self.step, %kind, %error, retry_in_ms, "not done; the records wait on the log");
        tokio::time::sleep(self.pause).await;
        self.pause = (self.pause * 2).min(LAST);
    }
}
