//! A slot: one run after another.

use std::sync::Arc;
use std::time::Duration;

use tidegate_lifecycle::Stop;
use tokio::time::{Instant, sleep, sleep_until};

use crate::api::{Api, CallFailure, Lease};
use crate::backoff::Backoff;
use crate::key_patience::KeyPatience;
use crate::log::{LogLine, LogSink};
use crate::options::{WorkerError, WorkerOptions};
use crate::run::{RunEnd, Surroundings, run};

/// The shortest time between two requests for a lease that found no run, whatever the server does of the wait.
const LEASE_GAP: Duration = Duration::from_secs(1);

/// One of a worker's slots.
pub struct Slot {
    /// The name under which the server knows the slot.
    pub name: String,
    pub api: Arc<Api>,
    pub options: Arc<WorkerOptions>,
    pub log: LogSink,
    pub stop: Stop,
}

impl Slot {
    /// Works until the stop or, with `once`, until one run has ended.
    pub async fn work(self) -> Result<(), WorkerError> {
        let mut starts = Backoff::default();
        while let Some(lease) = self.next_lease().await? {
            let around = Surroundings { api: &self.api, options: &self.options, log: &self.log, stop: &self.stop };
            let end = run(&around, &lease).await;
            if self.options.once {
                return if end == RunEnd::Reported { Ok(()) } else { Err(WorkerError::NotReported) };
            }
            if end == RunEnd::NotStarted {
                // The server gives the same lease again, so a machine without processes to spare must not ask at once.
                let wait = starts.failed(None);
                self.unless_stopped(sleep(wait)).await;
            } else {
                starts.succeeded();
            }
        }
        // A single run that was asked for and never came has not failed.
        Ok(())
    }

    /// Waits for a run. `None`: the worker stops.
    async fn next_lease(&self) -> Result<Option<Lease>, WorkerError> {
        let mut backoff = Backoff::default();
        let mut patience = KeyPatience::default();
        let mut logged = None;
        loop {
            let asked_at = Instant::now();
            let Some(answer) = self.unless_stopped(self.api.lease(&self.name)).await else { return Ok(None) };
            let until = match answer {
                Ok(Some(lease)) => return Ok(Some(lease)),
                Ok(None) => {
                    backoff.succeeded();
                    patience.taken();
                    asked_at + LEASE_GAP
                }
                Err(CallFailure::KeyRefused(why)) if patience.refused() => return Err(WorkerError::KeyRefused(why)),
                Err(CallFailure::KeyRefused(_)) => Instant::now() + backoff.failed(None),
                Err(CallFailure::Away { retry_after, .. }) => Instant::now() + backoff.failed(retry_after),
                Err(CallFailure::Lost(why) | CallFailure::Refused(why)) => {
                    if logged.as_ref() != Some(&why) {
                        (self.log)(&LogLine::worker(format!(
                            "the server refuses to give a lease, trying again: {why}"
                        )));
                        logged = Some(why);
                    }
                    Instant::now() + backoff.failed(None)
                }
            };
            if self.unless_stopped(sleep_until(until)).await.is_none() {
                return Ok(None);
            }
        }
    }

    /// What `work` comes to, or `None` once the worker stops.
    async fn unless_stopped<T>(&self, work: impl Future<Output = T>) -> Option<T> {
        tokio::select! {
            biased;
            () = self.stop.clone().stopped() => None,
            result = work => Some(result),
        }
    }
}
