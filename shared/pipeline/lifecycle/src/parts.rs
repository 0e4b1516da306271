//! The running parts of a process. A part that panics, or ends before its stop signal, ends the process: a process
//! never runs with a part missing.

use std::future::Future;

use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use crate::stages::Unfinished;
use crate::stop::{Stop, Stopper};

/// Starts parts and reports when one ends too early.
pub struct Parts {
    early: mpsc::Receiver<String>,
    report: mpsc::Sender<String>,
}

/// One running part.
pub struct Part<T> {
    name: &'static str,
    stopper: Stopper,
    handle: JoinHandle<T>,
}

impl Default for Parts {
    fn default() -> Self {
        // More than a process has parts; one report is enough to stop it.
        let (report, early) = mpsc::channel(64);
        Parts { early, report }
    }
}

impl Parts {
    /// Starts a part. `run` gets the part's stop signal.
    pub fn start<T, F>(&self, name: &'static str, run: impl FnOnce(Stop) -> F) -> Part<T>
    where
        T: Send + 'static,
        F: Future<Output = T> + Send + 'static,
    {
        let (stopper, stop) = Stopper::new();
        let inner = tokio::spawn(run(stop.clone()));
        let abort = AbortOnDrop(inner.abort_handle());
        let report = self.report.clone();
        let handle = tokio::spawn(async move {
            let _abort = abort;
            let ended = inner.await;
            if !stop.is_stopping() {
                let how = if ended.is_err() { "panicked" } else { "ended by itself" };
                // A full channel already holds enough reports.
                let _ = report.try_send(format!("{name} {how}"));
            }
            match ended {
                Ok(result) => result,
                Err(failure) => std::panic::resume_unwind(Box::new(failure.to_string())),
            }
        });
        Part { name, stopper, handle }
    }

    /// Resolves with a text once a part has ended without a stop signal.
    pub async fn ended_early(&mut self) -> String {
        match self.early.recv().await {
            Some(what) => what,
            // Not reached while `self.report` exists.
            None => std::future::pending().await,
        }
    }
}

/// Aborts a part's task when a stage gives up waiting and drops the part.
struct AbortOnDrop(tokio::task::AbortHandle);

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl<T> Part<T> {
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// Raises the part's stop signal and waits until it has ended.
    ///
    /// # Errors
    /// [`Unfinished`] when the part panicked.
    pub async fn stop(mut self) -> Result<T, Unfinished> {
        self.stopper.stop();
        let ended = (&mut self.handle).await;
        ended.map_err(|_| Unfinished::new(format!("{} panicked", self.name)))
    }
}

impl<T> Drop for Part<T> {
    fn drop(&mut self) {
        self.handle.abort();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_part_stops_on_its_signal_and_returns_its_result() {
        let parts = Parts::default();
        let part = parts.start("ingest", |stop| async move {
            stop.stopped().await;
            7
        });
        assert_eq!(part.name(), "ingest");
        assert_eq!(part.stop().await, Ok(7));
    }

    #[tokio::test]
    async fn a_part_that_ends_or_panics_by_itself_is_reported() {
        let mut parts = Parts::default();
        let ended = parts.start("control", |_| async {});
        assert_eq!(parts.ended_early().await, "control ended by itself");
        assert_eq!(ended.stop().await, Ok(()));
        let panicked = parts.start("persister", |_| async { panic!("on purpose") });
        assert_eq!(parts.ended_early().await, "persister panicked");
        assert_eq!(panicked.stop().await, Err::<(), _>(Unfinished::new("persister panicked")));
    }

    #[tokio::test]
    async fn a_dropped_part_is_aborted() {
        struct Bell(Option<tokio::sync::oneshot::Sender<()>>);
        impl Drop for Bell {
            fn drop(&mut self) {
                let _ = self.0.take().map(|bell| bell.send(()));
            }
        }
        let (ring, rung) = tokio::sync::oneshot::channel();
        let bell = Bell(Some(ring));
        let part = Parts::default().start("deaf", |_| async move {
            let _bell = bell;
            std::future::pending::<()>().await;
        });
        drop(part);
        rung.await.unwrap();
    }
}
