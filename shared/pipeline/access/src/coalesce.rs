//! One look-up for all requests that want the same at the same time.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::OnceCell;

/// Look-ups in progress, by key.
pub struct Coalesce<K, V> {
    under_way: Mutex<HashMap<K, Arc<OnceCell<V>>>>,
}

impl<K, V> Default for Coalesce<K, V> {
    fn default() -> Self {
        Coalesce { under_way: Mutex::default() }
    }
}

impl<K: Copy + Eq + Hash, V: Clone> Coalesce<K, V> {
    /// The result of `look_up`, or of a look-up of the same key that is in progress already. If the request that looks
    /// up is dropped, another of those that wait continues.
    pub async fn run<F: Future<Output = V>>(&self, key: K, look_up: impl FnOnce() -> F) -> V {
        let cell = Arc::clone(self.lock().entry(key).or_default());
        let entered = Entered { all: self, key, cell };
        entered.cell.get_or_init(look_up).await.clone()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<K, Arc<OnceCell<V>>>> {
        // Single inserts and removals: whole even after a panic elsewhere.
        self.under_way.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One request that waits. The last to be dropped, and the first after the answer, removes the look-up.
struct Entered<'a, K: Copy + Eq + Hash, V: Clone> {
    all: &'a Coalesce<K, V>,
    key: K,
    cell: Arc<OnceCell<V>>,
}

impl<K: Copy + Eq + Hash, V: Clone> Drop for Entered<'_, K, V> {
    fn drop(&mut self) {
        let mut under_way = self.all.lock();
        let ours = under_way.get(&self.key).is_some_and(|current| Arc::ptr_eq(current, &self.cell));
        let alone = Arc::strong_count(&self.cell) == 2;
        if ours && (alone || self.cell.initialized()) {
            under_way.remove(&self.key);
        }
    }
}
