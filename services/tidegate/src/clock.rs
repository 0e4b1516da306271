//! The process's clock. With the feature `test-clock` it can be moved from outside.

use std::sync::Arc;

use axum::Router;
use tidegate_ports::{Clock, SystemClock};

/// The clock that every part gets.
#[derive(Clone)]
pub struct ProcessClock {
    pub clock: Arc<dyn Clock>,
    /// Routes of the operations port that move it: none in a release.
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
    use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

    use axum::Json;
    use axum::extract::State;
    use axum::routing::put;
    use serde::{Deserialize, Serialize};
    use tidegate_kernel::Timestamp;

    use super::{Arc, Clock, Router, SystemClock};

    /// The system's clock, moved by an offset in milliseconds: as time passes, or as a wall clock is set wrong.
    #[derive(Default)]
    struct MovedClock {
        moved_ms: AtomicI64,
        moves: AtomicU64,
        wrong_ms: AtomicI64,
    }

    impl Clock for MovedClock {
        fn now(&self) -> Timestamp {
            SystemClock.now().plus_millis(self.moved_ms() + self.wrong_ms.load(Ordering::Relaxed))
        }

        fn steady(&self) -> Timestamp {
            SystemClock.steady().plus_millis(self.moved_ms())
        }

        fn moved_ms(&self) -> i64 {
            self.moved_ms.load(Ordering::Relaxed)
        }

        fn moves(&self) -> u64 {
            self.moves.load(Ordering::Acquire)
        }
    }

    #[derive(Deserialize)]
    struct Move {
        offset_ms: i64,
        /// Moves the wall clock of this process alone; its steady clock is left as it is.
        #[serde(default)]
        wall_only: bool,
    }

    #[derive(Serialize)]
    struct Moved {
        offset_ms: i64,
        #[serde(with = "tidegate_kernel::timestamp::iso")]
        now: Timestamp,
    }

    async fn set(State(clock): State<Arc<MovedClock>>, Json(to): Json<Move>) -> Json<Moved> {
        let (moved_ms, wrong_ms) = if to.wall_only { (0, to.offset_ms) } else { (to.offset_ms, 0) };
        clock.moved_ms.store(moved_ms, Ordering::Relaxed);
        clock.wrong_ms.store(wrong_ms, Ordering::Relaxed);
        if !to.wall_only {
            clock.moves.fetch_add(1, Ordering::Release);
        }
        tracing::info!(offset_ms = to.offset_ms, wall_only = to.wall_only, "the clock was moved");
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
