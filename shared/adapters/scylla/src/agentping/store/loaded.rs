//! Positions of runs as they were loaded, until they are saved.
//!
//! A save needs the stored position to detect a stale write. The persister has just loaded the run, so it is not read
//! again. If a former owner loaded the run long ago, its write is late and loses by its timestamp.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use tidegate_agentping::RunKey;

/// About 8 MB. Only loads without a save stay longer than a poll.
const AT_MOST: usize = 100_000;

/// The result of a load, for the save that follows it.
#[derive(Debug, Default)]
pub(super) struct Loaded(Mutex<HashMap<RunKey, Option<i64>>>);

impl Loaded {
    /// The stored position; `None` if nothing was stored.
    pub fn put(&self, key: RunKey, position: Option<i64>) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= AT_MOST {
            known.clear();
        }
        known.insert(key, position);
    }

    /// Takes the position out: it is valid for one save.
    pub fn take(&self, key: RunKey) -> Option<Option<i64>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&key)
    }
}
