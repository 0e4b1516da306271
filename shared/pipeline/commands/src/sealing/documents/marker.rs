//! The marker of sealed documents: one document that names the keys under which a store has some. It is written before
//! the first sealed document, so that a start reads it, and searches the store only where a former build left none.

use serde::{Deserialize, Serialize};
use tidegate_kernel::{SmolStr, Timestamp};
use tidegate_ports::{
    Document, DocumentList, DocumentWrite, Documents, Expected, FailureCause, ScanOrder, StoreError, Written,
};

use super::sealed;

/// Where the marker is. Its name is that of the kinds that are sealed.
const SPACE: &str = "sealing";
const KIND: &str = "sealed_under";
/// How many times the marker is tried to be written while other processes write it.
const TRIES: u32 = 10;
const PAGE: usize = 500;

/// The marker of a store, for documents of these kinds.
pub(super) struct SealMarker<'d> {
    pub documents: &'d dyn Documents,
    pub kinds: &'d [&'d str],
    pub now: Timestamp,
}

/// What is stored.
#[derive(Serialize, Deserialize)]
struct SealedUnder {
    /// The names of the keys; none: the store was searched, and nothing was sealed.
    keys: Vec<String>,
}

impl SealMarker<'_> {
    /// Whether a document is sealed.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn is_used(&self) -> Result<bool, StoreError> {
        for _ in 0..TRIES {
            let marked = self.read().await?;
            if marked.as_ref().is_some_and(|(_, keys)| keys.is_empty()) {
                return Ok(false);
            }
            // What was sealed under the keys that are named may have been deleted.
            let is_used = self.first_sealed().await?.is_some();
            if is_used || marked.is_some() || self.write(Expected::Absent, Vec::new()).await? {
                return Ok(is_used);
            }
        }
        Err(contended())
    }

    /// Whether what is sealed opens under the key with this name: no other key is named, or the first sealed document
    /// opens.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn is_key(&self, name: &str, opens: impl Fn(&SmolStr, Document) -> bool) -> Result<bool, StoreError> {
        for _ in 0..TRIES {
            let marked = self.read().await?;
            if marked.as_ref().is_some_and(|(_, keys)| keys.iter().all(|key| key == name)) {
                return Ok(true);
            }
            let (is_key, keys) = match self.first_sealed().await? {
                None => (true, Vec::new()),
                Some((space, document)) => (opens(&space, document), vec![name.to_owned()]),
            };
            if !is_key || marked.is_some() || self.write(Expected::Absent, keys).await? {
                return Ok(is_key);
            }
        }
        Err(contended())
    }

    /// Names the key as one that documents are sealed under. Whoever seals does this before.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn claim(&self, name: &str) -> Result<(), StoreError> {
        for _ in 0..TRIES {
            let (expected, mut keys) = match self.read().await? {
                Some((_, keys)) if keys.iter().any(|key| key == name) => return Ok(()),
                Some((version, keys)) => (Expected::Version(version), keys),
                None => (Expected::Absent, Vec::new()),
            };
            if !keys.is_empty() && self.first_sealed().await?.is_none() {
                // Another key was lost, and what was sealed under it has been deleted.
                keys.clear();
            }
            keys.push(name.to_owned());
            if self.write(expected, keys).await? {
                return Ok(());
            }
        }
        Err(contended())
    }

    /// The version of the marker, and the keys that it names; `None`: there is none.
    async fn read(&self) -> Result<Option<(u64, Vec<String>)>, StoreError> {
        let Some(found) = self.documents.get(SPACE, KIND, &self.name()).await? else { return Ok(None) };
        let SealedUnder { keys } = serde_json::from_slice(&found.doc).map_err(|error| {
            StoreError::Broken(format!("the marker of sealed documents cannot be read: {error}").into())
        })?;
        Ok(Some((found.version, keys)))
    }

    /// Returns whether it was written: `false` where another process has written it first.
    async fn write(&self, expected: Expected, keys: Vec<String>) -> Result<bool, StoreError> {
        let doc = serde_json::to_vec(&SealedUnder { keys });
        let doc = Some(doc.map_err(|error| StoreError::Refused(error.to_string().into()))?);
        let write = DocumentWrite { kind: KIND.into(), name: self.name(), expected, doc, ends_at: None };
        Ok(self.documents.write(SPACE, &[write], self.now).await? == Written::Done)
    }

    fn name(&self) -> SmolStr {
        self.kinds.join("+").into()
    }

    /// The first sealed document of these kinds, with its space. Reads one space after another.
    async fn first_sealed(&self) -> Result<Option<(SmolStr, Document)>, StoreError> {
        for space in self.documents.spaces().await? {
            for kind in self.kinds {
                if let Some(document) = self.first_sealed_of(&space, kind).await? {
                    return Ok(Some((space, document)));
                }
            }
        }
        Ok(None)
    }

    async fn first_sealed_of(&self, space: &str, kind: &str) -> Result<Option<Document>, StoreError> {
        let mut after: Option<SmolStr> = None;
        loop {
            let order = ScanOrder::Ascending;
            let list = DocumentList { space, kind, prefix: "", after: after.as_deref(), order, limit: PAGE };
            let page = self.documents.list(&list).await?;
            let last = page.last().map(|document| document.name.clone());
            let is_last = page.len() < PAGE;
            let found = page.into_iter().find(|document| sealed(&document.doc).is_some());
            if found.is_some() || is_last {
                return Ok(found);
            }
            after = last;
        }
    }
}

fn contended() -> StoreError {
    let text = format!("the marker of sealed documents changed {TRIES} times while it was written");
    StoreError::Unavailable(FailureCause::overloaded(text))
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::sync::{Arc, Mutex};

    use async_trait::async_trait;
    use tidegate_inproc::documents::MemoryDocuments;

    use super::super::SealedDocuments;
    use super::super::tests::{KINDS, NOW, over, put, store, text};
    use super::*;

    /// What another process does.
    #[derive(Clone, Copy)]
    enum Other {
        Seals,
        Starts,
    }

    /// After which call of this process it does that, once.
    #[derive(Clone, Copy, PartialEq, Eq)]
    enum After {
        Get,
        Spaces,
    }

    /// A store that counts how often it is searched, and in which another process does something in between.
    struct Shared {
        inner: Arc<MemoryDocuments>,
        other: Mutex<Option<(After, Other)>>,
        searches: AtomicUsize,
    }

    impl Shared {
        fn with(inner: &Arc<MemoryDocuments>, other: Option<(After, Other)>) -> Arc<Self> {
            Arc::new(Shared { inner: inner.clone(), other: Mutex::new(other), searches: AtomicUsize::new(0) })
        }

        fn searches(&self) -> usize {
            self.searches.load(Ordering::SeqCst)
        }

        async fn meanwhile(&self, call: After) {
            let other = self.other.lock().unwrap().take_if(|(after, _)| *after == call);
            match other.map(|(_, other)| other) {
                Some(Other::Seals) => put(&over(&self.inner, 1), "a", "secret", "x", "{}").await,
                Some(Other::Starts) => assert!(!is_used(&*self.inner).await),
                None => {}
            }
        }
    }

    #[async_trait]
    impl Documents for Shared {
        async fn get(&self, space: &str, kind: &str, name: &str) -> Result<Option<Document>, StoreError> {
            let found = self.inner.get(space, kind, name).await;
            self.meanwhile(After::Get).await;
            found
        }

        async fn list(&self, list: &DocumentList<'_>) -> Result<Vec<Document>, StoreError> {
            self.inner.list(list).await
        }

        async fn write(&self, space: &str, writes: &[DocumentWrite], now: Timestamp) -> Result<Written, StoreError> {
            self.inner.write(space, writes, now).await
        }

        async fn changed_since(&self, since: Timestamp) -> Result<Vec<SmolStr>, StoreError> {
            self.inner.changed_since(since).await
        }

        async fn spaces(&self) -> Result<Vec<SmolStr>, StoreError> {
            self.searches.fetch_add(1, Ordering::SeqCst);
            let spaces = self.inner.spaces().await;
            self.meanwhile(After::Spaces).await;
            spaces
        }

        async fn purge_documents(&self, now: Timestamp, limit: usize) -> Result<usize, StoreError> {
            self.inner.purge_documents(now, limit).await
        }
    }

    async fn is_used(documents: &dyn Documents) -> bool {
        SealedDocuments::is_used(documents, KINDS, NOW).await.unwrap()
    }

    async fn remove(documents: &dyn Documents, space: &str, kind: &str, name: &str) {
        let (kind, name, expected) = (kind.into(), name.into(), Expected::Anything);
        let write = DocumentWrite { kind, name, expected, doc: None, ends_at: None };
        assert_eq!(documents.write(space, &[write], NOW).await.unwrap(), Written::Done);
    }

    async fn keys(documents: &dyn Documents) -> Option<usize> {
        let marker = SealMarker { documents, kinds: KINDS, now: NOW };
        marker.read().await.unwrap().map(|(_, keys)| keys.len())
    }

    /// A store in which this key has sealed a document, as a former build leaves it.
    async fn without_marker(key: u8) -> Arc<MemoryDocuments> {
        let inner = store();
        put(&over(&inner, key), "a", "secret", "x", "{}").await;
        remove(&*inner, SPACE, KIND, "secret").await;
        inner
    }

    #[tokio::test]
    async fn a_store_is_searched_once() {
        let inner = store();
        put(&*inner, "a", "secret", "plain", "{}").await;
        let shared = Shared::with(&inner, None);
        for _ in 0..3 {
            assert!(!is_used(&*shared).await && over(&shared, 1).opens().await.unwrap());
        }
        assert_eq!((shared.searches(), keys(&*inner).await), (1, Some(0)), "nothing is sealed");
        put(&over(&shared, 1), "b", "secret", "x", "{}").await;
        for _ in 0..3 {
            assert!(over(&shared, 1).opens().await.unwrap());
        }
        assert_eq!((shared.searches(), keys(&*inner).await), (1, Some(1)), "one key is named");
        assert!(is_used(&*shared).await && !over(&shared, 2).opens().await.unwrap());
    }

    #[tokio::test]
    async fn what_a_former_build_has_sealed_is_found() {
        let shared = Shared::with(&without_marker(1).await, None);
        assert!(is_used(&*shared).await && !over(&shared, 2).opens().await.unwrap());
        assert_eq!((shared.searches(), keys(&*shared).await), (2, None), "whose key it is, is not known");
        for _ in 0..3 {
            assert!(over(&shared, 1).opens().await.unwrap());
        }
        assert_eq!((shared.searches(), keys(&*shared).await), (3, Some(1)));
        assert!(is_used(&*shared).await && !over(&shared, 2).opens().await.unwrap());
    }

    /// A process of a former build seals after the store was searched. Whoever opens that names the key.
    #[tokio::test]
    async fn what_a_former_build_seals_later_is_marked_when_it_is_opened() {
        let (inner, other) = (store(), without_marker(1).await);
        assert!(!is_used(&*inner).await);
        put(&*inner, "a", "secret", "x", &text(&*other, "a", "secret", "x").await).await;
        assert!(!is_used(&*inner).await, "nobody has seen it");
        assert_ne!(text(&over(&inner, 2), "a", "secret", "x").await, "{}");
        assert_eq!(keys(&*inner).await, Some(0), "this key has not opened it");
        assert_eq!(text(&over(&inner, 1), "a", "secret", "x").await, "{}");
        assert!(is_used(&*inner).await && !over(&inner, 2).opens().await.unwrap());
    }

    #[tokio::test]
    async fn a_search_that_another_process_seals_in_does_not_say_that_nothing_is_sealed() {
        for after in [After::Get, After::Spaces] {
            let inner = store();
            assert!(is_used(&*Shared::with(&inner, Some((after, Other::Seals)))).await);
            assert_eq!(keys(&*inner).await, Some(1));
            let inner = store();
            assert!(!over(&Shared::with(&inner, Some((after, Other::Seals))), 2).opens().await.unwrap());
            assert_eq!(keys(&*inner).await, Some(1));
        }
    }

    #[tokio::test]
    async fn who_seals_while_another_process_starts_has_its_key_named() {
        let inner = store();
        let shared = Shared::with(&inner, Some((After::Get, Other::Starts)));
        put(&over(&shared, 1), "a", "secret", "x", "{}").await;
        assert_eq!(keys(&*inner).await, Some(1));
        assert!(is_used(&*inner).await);
    }

    /// After the documents of a lost key are deleted, another key takes its place.
    #[tokio::test]
    async fn a_lost_key_can_be_replaced() {
        let inner = store();
        put(&over(&inner, 1), "a", "secret", "x", "{}").await;
        remove(&*inner, "a", "secret", "x").await;
        assert!(!is_used(&*inner).await && over(&inner, 2).opens().await.unwrap());
        put(&over(&inner, 2), "a", "secret", "x", "{}").await;
        assert_eq!(keys(&*inner).await, Some(1));
        assert!(over(&inner, 2).opens().await.unwrap() && !over(&inner, 1).opens().await.unwrap());
    }

    /// Where two keys have sealed, the first document decides, as without a marker.
    #[tokio::test]
    async fn of_two_keys_both_are_named() {
        let inner = store();
        for (space, key) in [("a", 1), ("b", 2)] {
            put(&over(&inner, key), space, "secret", "x", "{}").await;
        }
        assert_eq!(keys(&*inner).await, Some(2));
        assert!(over(&inner, 1).opens().await.unwrap() && !over(&inner, 2).opens().await.unwrap());
    }

    #[tokio::test]
    async fn a_marker_that_cannot_be_read_is_not_passed_over() {
        let inner = store();
        put(&*inner, SPACE, KIND, "secret", "x").await;
        let refused = SealedDocuments::is_used(&*inner, KINDS, NOW).await;
        assert!(matches!(refused, Err(StoreError::Broken(_))), "{refused:?}");
    }
}
