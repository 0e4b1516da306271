//! The running parts of a process. A part that ends before it is told to, or panics, ends the process: nothing
//! runs on with a piece missing.

use std::future::Future;

use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use crate::stop::{Stop, Stopper};

/// Starts parts and hears when one ends too early.
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
        // As many early ends as a process has parts; one is enough to stop it.
        let (report, early) = mpsc::channel(64);
        Parts { early, report }
    }
}

impl Parts {
    /// Starts a part. `run` gets the signal on which it is to end.
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
                // A full channel holds reports enough.
                let _ = report.try_send(format!("{name} {how}"));
            }
            match ended {
                Ok(result) => result,
                Err(failure) => std::panic::resume_unwind(Box::new(failure.to_string())),
            }
        });
        Part { name, stopper, handle }
    }

    /// Resolves with a text once some part ended without having been told to.
    pub async fn ended_early(&mut self) -> String {
        match self.early.recv().await {
            Some(what) => what,
            // Not reached while `report` lives here; waiting for ever is right without parts.
            None => std::future::pending().await,
        }
    }
}

/// A stage that gave up waiting for a part drops it: the part's task must not outlive that.
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

    /// Tells the part to stop and waits until it has.
    ///
    /// # Errors
    /// A text when the part panicked.
    pub async fn stop(mut self) -> Result<T, String> {
        self.stopper.stop();
        let ended = (&mut self.handle).await;
        ended.map_err(|_| format!("{} panicked", self.name))
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
    async fn a_part_ends_when_told_and_gives_its_result() {
        let parts = Parts::default();
        let part = parts.start("ingest", |stop| async move {
            stop.stopped().await;
            7
        });
        assert_eq!(part.name(), "ingest");
        assert_eq!(part.stop().await, Ok(7));
    }

    #[tokio::test]
    async fn a_part_that_ends_or_panics_by_itself_is_heard_of() {
        let mut parts = Parts::default();
        let ended = parts.start("control", |_| async {});
        assert_eq!(parts.ended_early().await, "control ended by itself");
        assert_eq!(ended.stop().await, Ok(()));
        let panicked = parts.start("persister", |_| async { panic!("on purpose") });
        assert_eq!(parts.ended_early().await, "persister panicked");
        assert_eq!(panicked.stop().await, Err::<(), _>("persister panicked".to_owned()));
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
