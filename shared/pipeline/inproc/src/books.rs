//! Books in memory.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use tidegate_kernel::LogKey;
use tidegate_ports::{BookWrite, Books, StoreError, StoredBook};

/// Books in memory. Clones share them.
#[derive(Clone, Debug, Default)]
pub struct MemoryBooks(Arc<Mutex<HashMap<LogKey, StoredBook>>>);

impl MemoryBooks {
    fn kept(&self) -> MutexGuard<'_, HashMap<LogKey, StoredBook>> {
        // A map insert cannot leave a map half changed.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Books for MemoryBooks {
    async fn load(&self, owners: &[LogKey]) -> Result<Vec<Option<StoredBook>>, StoreError> {
        let kept = self.kept();
        Ok(owners.iter().map(|owner| kept.get(owner).cloned()).collect())
    }

    async fn save(&self, writes: Arc<Vec<BookWrite>>) -> Result<(), StoreError> {
        for write in writes.iter() {
            write.check_size()?;
        }
        let mut kept = self.kept();
        for BookWrite { owner, book } in writes.iter() {
            let known = kept.entry(*owner).or_insert_with(|| book.clone());
            if book.decided_to.write_timestamp() > known.decided_to.write_timestamp() {
                known.clone_from(book);
            }
        }
        Ok(())
    }
}
