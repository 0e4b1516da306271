//! Releases in memory.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use tidegate_kernel::command::{Registration, Release};
use tidegate_kernel::{Position, Timestamp};
use tidegate_ports::{Releases, StoreError};

/// Releases in memory. Clones share them.
#[derive(Clone, Debug, Default)]
pub struct MemoryReleases(Arc<Mutex<Kept>>);

#[derive(Debug, Default)]
struct Kept {
    seen_at: BTreeMap<Release, Timestamp>,
    inabilities: BTreeSet<(Position, Release)>,
}

#[async_trait]
impl Releases for MemoryReleases {
    async fn register(&self, Registration { release, seen_at }: Registration) -> Result<(), StoreError> {
        // A map insert cannot leave the map half changed.
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let known = kept.seen_at.entry(release).or_insert(seen_at);
        *known = seen_at.max(*known);
        Ok(())
    }

    async fn registered(&self) -> Result<Vec<Registration>, StoreError> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let registration =
            |(release, seen_at): (&Release, &Timestamp)| Registration { release: release.clone(), seen_at: *seen_at };
        Ok(kept.seen_at.iter().map(registration).collect())
    }

    async fn cannot_decide(&self, release: Release, position: Position) -> Result<(), StoreError> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).inabilities.insert((position, release));
        Ok(())
    }

    async fn inabilities(&self) -> Result<Vec<(Position, Release)>, StoreError> {
        Ok(self.0.lock().unwrap_or_else(PoisonError::into_inner).inabilities.iter().cloned().collect())
    }
}
