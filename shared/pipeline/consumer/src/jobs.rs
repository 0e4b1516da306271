//! Background jobs: a task that is done every so often until the process stops.

use std::error::Error;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use tidegate_lifecycle::Stop;
use tidegate_ports::FailureKind;
use tidegate_telemetry::JOB_FAILURES;
use tokio::time::sleep;

type Task = Box<dyn Fn() -> Pin<Box<dyn Future<Output = Result<(), JobError>> + Send>> + Send + Sync>;

/// Why a task failed: the error of a port, and the kind of the failure. `?` makes it. Not an [`Error`] itself, so that
/// every error that has a kind converts to it.
#[derive(Debug)]
pub struct JobError {
    kind: FailureKind,
    source: Box<dyn Error + Send + Sync>,
}

impl JobError {
    pub const fn kind(&self) -> FailureKind {
        self.kind
    }

    /// The error that it was made of.
    pub fn source(&self) -> &(dyn Error + Send + Sync + 'static) {
        &*self.source
    }
}

impl<E> From<E> for JobError
where
    E: Error + Send + Sync + 'static,
    FailureKind: for<'e> From<&'e E>,
{
    fn from(error: E) -> Self {
        JobError { kind: FailureKind::from(&error), source: Box::new(error) }
    }
}

impl fmt::Display for JobError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.source, formatter)
    }
}

/// A task and how often it is done.
pub struct Job {
    name: &'static str,
    pause: Duration,
    task: Task,
}

impl Job {
    /// `name` is the label of its failures. `pause` lies between the end of one time and the next.
    pub fn new<F>(name: &'static str, pause: Duration, task: impl Fn() -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = Result<(), JobError>> + Send + 'static,
    {
        Job { name, pause, task: Box::new(move || Box::pin(task())) }
    }

    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// Does the task at once and then after each pause, until stopped. A failure is counted and waits for the next time.
    pub async fn run(self, stop: Stop) {
        // Made before anything is counted, so that a scrape finds it at zero.
        let failures = JOB_FAILURES.with([("task", self.name)]);
        while !stop.is_stopping() {
            if let Err(error) = (self.task)().await {
                let kind = error.kind();
                tracing::warn!(task = self.name, %kind, %error, "a background job failed; it is tried again later");
                failures.increment(1);
            }
            rest(self.pause, &stop).await;
        }
    }
}

impl fmt::Debug for Job {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Job").field("name", &self.name).field("pause", &self.pause).finish_non_exhaustive()
    }
}

/// Waits so long, or until the stop.
pub(crate) async fn rest(span: Duration, stop: &Stop) {
    tokio::select! {
        () = sleep(span) => {}
        () = stop.clone().stopped() => {}
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use tidegate_lifecycle::Stopper;
    use tidegate_ports::{FailureCause, LogError};

    use super::*;

    #[test]
    fn a_failure_keeps_its_kind_and_the_error_itself() {
        let error = JobError::from(LogError::Unavailable(FailureCause::timeout("no answer")));
        assert_eq!(
            (error.kind(), error.to_string().as_str()),
            (FailureKind::Timeout, "the log is unavailable: no answer")
        );
        assert!(error.source().is::<LogError>());
    }

    #[tokio::test(start_paused = true)]
    async fn a_failure_waits_for_the_next_time() {
        let times = Arc::new(AtomicUsize::new(0));
        let counted = times.clone();
        let job = Job::new("count", Duration::from_secs(300), move || {
            let counted = counted.clone();
            async move {
                match counted.fetch_add(1, Ordering::SeqCst) {
                    1 => Err(LogError::Broken("as the test wants".into()).into()),
                    _ => Ok(()),
                }
            }
        });
        let (stopper, stop) = Stopper::new();
        let running = tokio::spawn(job.run(stop));
        let mut tick = tokio::time::interval(Duration::from_secs(1));
        while times.load(Ordering::SeqCst) < 3 {
            tick.tick().await;
        }
        stopper.stop();
        running.await.expect("it ends with the stop");
        assert_eq!(times.load(Ordering::SeqCst), 3);
    }
}
