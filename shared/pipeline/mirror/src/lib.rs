//! A copy of documents in memory, which follows what is written anywhere.
//!
//! Whoever decides by settings on each call, or for all owners at once, cannot ask the store each time. The copy holds what
//! a product makes of the documents of each space. It is read whole at the start and once a minute; in between it asks
//! twice a second which spaces have changed. So a change holds everywhere within a second, unless the store is down: then
//! the copy goes on with what it knows, and [`Mirror::as_of`] says since when.

use std::collections::HashMap;
use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::{StreamExt, TryStreamExt, stream};
use tidegate_kernel::{SmolStr, Timestamp};
use tidegate_ports::{Clock, Document, DocumentList, Documents, ScanOrder, StoreError};
use tokio::sync::watch;
use tokio::time::{Instant, sleep};

/// What a product makes of the documents of one space.
pub trait Mirrored: Send + Sync + 'static {
    /// The kinds that it needs.
    const KINDS: &'static [&'static str];
    /// A kind whose writes move documents between names of the others. Where one was written while a space is read, the space
    /// is read again: what has moved is never seen in both places, or in none.
    const MOVES: Option<&'static str> = None;

    /// Makes it. A document that cannot be read is left out, and reported.
    fn of(space: &str, documents: Vec<Document>) -> Self;
}

/// The copy. Clones share it.
pub struct Mirror<T> {
    shared: Arc<Shared<T>>,
}

impl<T> Clone for Mirror<T> {
    fn clone(&self) -> Self {
        Mirror { shared: self.shared.clone() }
    }
}

struct Shared<T> {
    documents: Arc<dyn Documents>,
    clock: Arc<dyn Clock>,
    spaces: Mutex<HashMap<SmolStr, Arc<T>>>,
    as_of: watch::Sender<Timestamp>,
}

/// How often the store is asked for changes.
const ASK_EVERY: Duration = Duration::from_millis(500);
/// How often everything is read again.
const READ_ALL_EVERY: Duration = Duration::from_secs(60);
/// A change is read again for so long: it is announced before it can be read, and clocks of writers differ.
const OVERLAP_MS: i64 = 10_000;
const AT_ONCE: usize = 8;
const PAGE: usize = 500;

impl<T: Mirrored> Mirror<T> {
    /// Reads everything.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn read(documents: Arc<dyn Documents>, clock: Arc<dyn Clock>) -> Result<Self, StoreError> {
        let mirror = Mirror::unread(documents, clock);
        mirror.read_all().await?;
        Ok(mirror)
    }

    /// A copy of nothing, until it follows or a space is read.
    pub fn unread(documents: Arc<dyn Documents>, clock: Arc<dyn Clock>) -> Self {
        let as_of = watch::Sender::new(Timestamp::FIRST);
        Mirror { shared: Arc::new(Shared { documents, clock, spaces: Mutex::default(), as_of }) }
    }

    /// What a space has; `None`: no document.
    pub fn get(&self, space: &str) -> Option<Arc<T>> {
        self.spaces().get(space).cloned()
    }

    /// All spaces that have documents, in no order.
    pub fn all(&self) -> Vec<(SmolStr, Arc<T>)> {
        self.spaces().iter().map(|(space, mirrored)| (space.clone(), mirrored.clone())).collect()
    }

    /// Everything that was written before this instant, less the difference of clocks, is in the copy.
    pub fn as_of(&self) -> Timestamp {
        *self.shared.as_of.borrow()
    }

    /// Whoever changes a space reads it again at once.
    ///
    /// # Errors
    /// [`StoreError`]; the copy follows by itself later.
    pub async fn refresh(&self, space: &str) -> Result<(), StoreError> {
        let mut documents = self.documents(space, T::KINDS).await?;
        if let Some(moves) = T::MOVES {
            let versions = |documents: &[Document]| {
                let moving = documents.iter().filter(|document| document.kind == moves);
                moving.map(|document| (document.name.clone(), document.version)).collect::<Vec<_>>()
            };
            // Each round but the last one met a move, and people make few of them.
            while versions(&documents) != versions(&self.documents(space, &[moves]).await?) {
                documents = self.documents(space, T::KINDS).await?;
            }
        }
        let mut spaces = self.spaces();
        if documents.is_empty() {
            spaces.remove(space);
        } else {
            spaces.insert(space.into(), Arc::new(T::of(space, documents)));
        }
        Ok(())
    }

    /// The documents of these kinds, in their order.
    async fn documents(&self, space: &str, kinds: &[&str]) -> Result<Vec<Document>, StoreError> {
        let mut documents = Vec::new();
        for kind in kinds {
            let mut after: Option<SmolStr> = None;
            loop {
                let order = ScanOrder::Ascending;
                let list = DocumentList { space, kind, prefix: "", after: after.as_deref(), order, limit: PAGE };
                let page = self.shared.documents.list(&list).await?;
                let is_last = page.len() < PAGE;
                after = page.last().map(|document| document.name.clone());
                documents.extend(page);
                if is_last {
                    break;
                }
            }
        }
        Ok(documents)
    }

    /// Reads what has changed since the last time: whoever decides by the settings of an instant calls it after that instant.
    ///
    /// # Errors
    /// [`StoreError`]; the copy is as it was, or newer in parts.
    pub async fn catch_up(&self) -> Result<(), StoreError> {
        self.read_changed().await
    }

    /// Follows the store until `shutdown` completes.
    pub async fn follow(self, shutdown: impl Future<Output = ()>) {
        let following = async {
            let mut read_all_at = Instant::now() + READ_ALL_EVERY;
            loop {
                sleep(ASK_EVERY).await;
                let is_whole = Instant::now() >= read_all_at;
                let followed = if is_whole { self.read_all().await } else { self.read_changed().await };
                match followed {
                    Ok(()) if is_whole => read_all_at = Instant::now() + READ_ALL_EVERY,
                    Ok(()) => {}
                    Err(error) => tracing::warn!(kind = %error.kind(), %error, "settings cannot be read now"),
                }
            }
        };
        tokio::select! {
            () = following => {}
            () = shutdown => {}
        }
    }

    async fn read_changed(&self) -> Result<(), StoreError> {
        let began = self.shared.clock.now();
        let since = self.as_of().plus_millis(-OVERLAP_MS);
        let changed = self.shared.documents.changed_since(since).await?;
        self.refresh_all(changed).await?;
        self.shared.as_of.send_replace(began);
        Ok(())
    }

    async fn read_all(&self) -> Result<(), StoreError> {
        let began = self.shared.clock.now();
        let mut there = self.shared.documents.spaces().await?;
        let known: Vec<SmolStr> = self.spaces().keys().cloned().collect();
        there.extend(known);
        there.sort_unstable();
        there.dedup();
        self.refresh_all(there).await?;
        self.shared.as_of.send_replace(began);
        Ok(())
    }

    async fn refresh_all(&self, spaces: Vec<SmolStr>) -> Result<(), StoreError> {
        let refresh = |space: SmolStr| async move { self.refresh(&space).await };
        stream::iter(spaces).map(refresh).buffer_unordered(AT_ONCE).try_collect().await
    }

    fn spaces(&self) -> MutexGuard<'_, HashMap<SmolStr, Arc<T>>> {
        // A map insert cannot leave a map half changed.
        self.shared.spaces.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
