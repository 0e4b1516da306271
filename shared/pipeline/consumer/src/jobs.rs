//! Background jobs: a task that is done every so often until the process stops.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use tidegate_lifecycle::Stop;
use tidegate_telemetry::JOB_FAILURES;
use tokio::time::sleep;

type Task = Box<dyn Fn() -> Pin<Box<dyn Future<Output = Result<(), String>> + Send>> + Send + Sync>;

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
        F: Future<Output = Result<(), String>> + Send + 'static,
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
                tracing::warn!(task = self.name, error, "a background job failed; it is tried again later");
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

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_failure_waits_for_the_next_time() {
        let times = Arc::new(AtomicUsize::new(0));
        let counted = times.clone();
        let job = Job::new("count", Duration::from_secs(300), move || {
            let counted = counted.clone();
            async move {
                match counted.fetch_add(1, Ordering::SeqCst) {
                    1 => Err("as the test wants".to_owned()),
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
