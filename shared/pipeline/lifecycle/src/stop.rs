//! The stop signal: raised once, visible to every holder of a [`Stop`], also to later readers.

use tokio::sync::watch;

/// Raises the signal. Dropping it raises the signal too: a part that cannot be stopped any more must not continue.
#[derive(Debug)]
pub struct Stopper(watch::Sender<bool>);

/// Reads the signal. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Stop(watch::Receiver<bool>);

impl Stopper {
    pub fn new() -> (Stopper, Stop) {
        let (sender, receiver) = watch::channel(false);
        (Stopper(sender), Stop(receiver))
    }

    /// Raises the signal. A second call changes nothing.
    pub fn stop(&self) {
        self.0.send_replace(true);
    }
}

impl Stop {
    /// Whether the signal is raised.
    pub fn is_stopping(&self) -> bool {
        *self.0.borrow() || self.0.has_changed().is_err()
    }

    /// Resolves once the signal is raised, at once if it is already.
    pub async fn stopped(mut self) {
        // An error means that the stopper was dropped, which is a stop.
        let _ = self.0.wait_for(|stopping| *stopping).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn everyone_sees_it_early_or_late() {
        let (stopper, stop) = Stopper::new();
        assert!(!stop.is_stopping());
        let early = tokio::spawn(stop.clone().stopped());
        stopper.stop();
        early.await.unwrap();
        assert!(stop.is_stopping());
        stop.stopped().await;
    }

    #[tokio::test]
    async fn a_dropped_stopper_is_a_stop() {
        let (stopper, stop) = Stopper::new();
        drop(stopper);
        assert!(stop.is_stopping());
        stop.stopped().await;
    }
}
