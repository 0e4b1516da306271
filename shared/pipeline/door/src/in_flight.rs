//! How many requests are in progress, and no more than that.

use std::sync::Arc;
use std::time::Duration;

use tidegate_metric::Gauge;
use tokio::sync::Semaphore;
use tokio::time::timeout;

use crate::metrics::{REQUESTS_IN_FLIGHT, REQUESTS_IN_FLIGHT_MAX};

/// A bound on requests in progress.
pub struct InFlight(Arc<Places>);

struct Places {
    free: Semaphore,
    max: u32,
    gauge: Gauge,
}

/// One request's place: free again when dropped.
pub struct Place(Arc<Places>);

impl Drop for Place {
    fn drop(&mut self) {
        self.0.gauge.decrement(1.0);
        self.0.free.add_permits(1);
    }
}

impl InFlight {
    /// Registers its metrics.
    pub fn new(max: u32) -> Self {
        REQUESTS_IN_FLIGHT_MAX.handle().set(f64::from(max));
        InFlight(Arc::new(Places { free: Semaphore::new(max as usize), max, gauge: REQUESTS_IN_FLIGHT.handle() }))
    }

    /// A place, if one is free.
    pub fn enter(&self) -> Option<Place> {
        // The place gives it back.
        self.0.free.try_acquire().ok()?.forget();
        self.0.gauge.increment(1.0);
        Some(Place(Arc::clone(&self.0)))
    }

    pub fn now(&self) -> usize {
        self.0.max as usize - self.0.free.available_permits().min(self.0.max as usize)
    }

    /// Waits until nothing is in progress, at most for `deadline`; returns how many are left.
    pub async fn drained(&self, deadline: Duration) -> usize {
        match timeout(deadline, self.0.free.acquire_many(self.0.max)).await {
            Ok(_) => 0,
            Err(_) => self.now(),
        }
    }
}
