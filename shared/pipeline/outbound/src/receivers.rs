//! How many tries each receiver has at once, over the whole process.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::target::ReceiverOrigin;

/// Tries of one receiver at once.
const AT_ONCE: usize = 8;

/// Counts the tries of each receiver.
#[derive(Default)]
pub struct Receivers(Mutex<HashMap<ReceiverOrigin, Arc<Semaphore>>>);

/// One of a receiver's tries.
pub struct Turn {
    pub origin: ReceiverOrigin,
    _permit: OwnedSemaphorePermit,
}

impl Receivers {
    /// A turn, if one is free now.
    pub fn try_turn(&self, origin: &ReceiverOrigin) -> Option<Turn> {
        let permit = self.semaphore(origin).try_acquire_owned().ok()?;
        Some(Turn { origin: origin.clone(), _permit: permit })
    }

    /// Waits for a turn. `None` never comes: no semaphore is closed.
    pub async fn turn(&self, origin: &ReceiverOrigin) -> Option<Turn> {
        let permit = self.semaphore(origin).acquire_owned().await.ok()?;
        Some(Turn { origin: origin.clone(), _permit: permit })
    }

    fn semaphore(&self, origin: &ReceiverOrigin) -> Arc<Semaphore> {
        let mut receivers = self.receivers();
        if !receivers.contains_key(origin) {
            // Those that no try waits for and nothing is sent to.
            receivers.retain(|_, tries| Arc::strong_count(tries) > 1 || tries.available_permits() < AT_ONCE);
        }
        receivers.entry(origin.clone()).or_insert_with(|| Arc::new(Semaphore::new(AT_ONCE))).clone()
    }

    fn receivers(&self) -> MutexGuard<'_, HashMap<ReceiverOrigin, Arc<Semaphore>>> {
        // Nothing under the lock panics.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::networks::Networks;
    use crate::target::{PortRule, Target, TargetPolicy};

    fn origin(text: &str) -> ReceiverOrigin {
        let policy = TargetPolicy { allow_http: false, networks: Networks::NONE, ports: PortRule::Any };
        Target::parse(text, &policy).unwrap().origin()
    }

    #[test]
    fn a_receiver_has_eight_turns_whatever_the_path() {
        let receivers = Receivers::default();
        let [same, port, host] =
            ["https://example.com/b", "https://example.com:8443/a", "https://example.org/a"].map(origin);
        let first = origin("https://example.com/a");
        let mut turns: Vec<Turn> = std::iter::from_fn(|| receivers.try_turn(&first)).collect();
        assert_eq!((turns.len(), receivers.try_turn(&same).is_none()), (AT_ONCE, true));
        assert!(receivers.try_turn(&port).is_some() && receivers.try_turn(&host).is_some());
        turns.pop();
        assert_eq!(receivers.try_turn(&same).map(|turn| turn.origin), Some(first));
        drop(turns);
        let others = (0..100).map(|number| receivers.try_turn(&origin(&format!("https://{number}.example.com"))));
        assert_eq!(others.flatten().count(), 100);
        assert_eq!(receivers.receivers().len(), 1, "no receiver is kept that nothing is sent to");
    }
}
