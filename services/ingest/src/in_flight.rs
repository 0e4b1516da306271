//! How many requests are under way, and no more than that.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

/// A bound on requests under way.
#[derive(Debug)]
pub(crate) struct InFlight {
    places: Arc<Semaphore>,
    max: u32,
}

/// One request's place: free again when dropped.
#[derive(Debug)]
pub(crate) struct Place {
    _permit: OwnedSemaphorePermit,
}

impl InFlight {
    pub fn new(max: u32) -> Self {
        InFlight { places: Arc::new(Semaphore::new(max as usize)), max }
    }

    /// A place, if one is free.
    pub fn enter(&self) -> Option<Place> {
        self.places.clone().try_acquire_owned().ok().map(|permit| Place { _permit: permit })
    }

    pub fn now(&self) -> usize {
        self.max as usize - self.places.available_permits().min(self.max as usize)
    }

    /// Waits until nothing is under way, at most for `deadline`; returns how many are left.
    pub async fn drained(&self, deadline: Duration) -> usize {
        match timeout(deadline, self.places.acquire_many(self.max)).await {
            Ok(_) => 0,
            Err(_) => self.now(),
        }
    }
}
