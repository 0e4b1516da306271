//! Runs whose writes the server has refused: records of them may become dead letters, and the others are folded again
//! without those.

use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};

use tidegate_agentping::RunKey;

/// About 100 kB.
const AT_MOST: usize = 1_000;

/// Runs of which a write was refused lately.
#[derive(Debug, Default)]
pub(super) struct RefusedRuns(Mutex<HashSet<RunKey>>);

impl RefusedRuns {
    pub fn has(&self, run: RunKey) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).contains(&run)
    }

    pub fn add(&self, run: RunKey) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= AT_MOST {
            known.clear();
        }
        known.insert(run);
    }
}
