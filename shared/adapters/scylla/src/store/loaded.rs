//! Positions of runs as they were loaded, until they are saved.
//!
//! A save must know what is stored to tell a stale write. The persister has just loaded the run, so that it need not be
//! asked again. Should a former owner's load be long ago, then its write is late, and loses by its timestamp.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use tidegate_agentping::RunKey;

/// About 8 MB. Only loads without a save stay longer than a poll.
const AT_MOST: usize = 100_000;

/// What a load has found, for the save that follows it.
#[derive(Debug, Default)]
pub(super) struct Loaded(Mutex<HashMap<RunKey, Option<i64>>>);

impl Loaded {
    /// `None`: nothing was stored.
    pub fn put(&self, key: RunKey, position: Option<i64>) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= AT_MOST {
            known.clear();
        }
        known.insert(key, position);
    }

    /// Good for one save.
    pub fn take(&self, key: RunKey) -> Option<Option<i64>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&key)
    }
}
