//! The process's clock. With the feature `test-clock` it can be moved from outside.

use std::sync::Arc;

use axum::Router;
use tidegate_ports::{Clock, SystemClock};

/// The clock that every part gets.
#[derive(Clone)]
pub struct ProcessClock {
    pub clock: Arc<dyn Clock>,
    /// What the operations port serves for it: nothing in a release.
    pub routes: Router,
}

#[cfg(not(feature = "test-clock"))]
impl ProcessClock {
    pub fn new() -> Self {
        ProcessClock { clock: Arc::new(SystemClock), routes: Router::new() }
    }
}

#[cfg(feature = "test-clock")]
mod movable {
    use std::sync::atomic::{AtomicI64, Ordering};

    use axum::Json;
    use axum::extract::State;
    use axum::routing::put;
    use serde::{Deserialize, Serialize};
    use tidegate_domain::Timestamp;

    use super::{Arc, Clock, Router, SystemClock};

    /// The system's clock, moved by an offset in milliseconds.
    #[derive(Default)]
    struct MovedClock(AtomicI64);

    impl Clock for MovedClock {
        fn now(&self) -> Timestamp {
            SystemClock.now().plus_millis(self.0.load(Ordering::Relaxed))
        }
    }

    #[derive(Deserialize)]
    struct Move {
        offset_ms: i64,
    }

    #[derive(Serialize)]
    struct Moved {
        offset_ms: i64,
        #[serde(with = "tidegate_domain::timestamp::iso")]
        now: Timestamp,
    }

    async fn set(State(clock): State<Arc<MovedClock>>, Json(to): Json<Move>) -> Json<Moved> {
        clock.0.store(to.offset_ms, Ordering::Relaxed);
        tracing::info!(offset_ms = to.offset_ms, "the clock was moved");
        Json(Moved { offset_ms: to.offset_ms, now: clock.now() })
    }

    impl super::ProcessClock {
        pub fn new() -> Self {
            let clock = Arc::new(MovedClock::default());
            let routes = Router::new().route("/test-clock", put(set)).with_state(clock.clone());
            super::ProcessClock { clock, routes }
        }
    }
}
