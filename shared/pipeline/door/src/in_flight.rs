//! How many requests are in progress, and no more than that.

use std::sync::Arc;
use std::time::Duration;

use tidegate_metric::Gauge;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

use crate::metrics::{REQUESTS_IN_FLIGHT, REQUESTS_IN_FLIGHT_MAX};

/// A bound on requests in progress.
pub struct InFlight {
    places: Arc<Semaphore>,
    max: u32,
    gauge: Gauge,
}

/// One request's place: free again when dropped.
pub struct Place {
    _permit: OwnedSemaphorePermit,
    gauge: Gauge,
}

impl Drop for Place {
    fn drop(&mut self) {
        self.gauge.decrement(1.0);
    }
}

impl InFlight {
    /// Registers its metrics.
    pub fn new(max: u32) -> Self {
        REQUESTS_IN_FLIGHT_MAX.handle().set(f64::from(max));
        InFlight { places: Arc::new(Semaphore::new(max as usize)), max, gauge: REQUESTS_IN_FLIGHT.handle() }
    }

    /// A place, if one is free.
    pub fn enter(&self) -> Option<Place> {
        let permit = self.places.clone().try_acquire_owned().ok()?;
        self.gauge.increment(1.0);
        Some(Place { _permit: permit, gauge: self.gauge.clone() })
    }

    pub fn now(&self) -> usize {
        self.max as usize - self.places.available_permits().min(self.max as usize)
    }

    /// Waits until nothing is in progress, at most for `deadline`; returns how many are left.
    pub async fn drained(&self, deadline: Duration) -> usize {
        match timeout(deadline, self.places.acquire_many(self.max)).await {
            Ok(_) => 0,
            Err(_) => self.now(),
        }
    }
}
