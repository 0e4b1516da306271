//! A store of documents that seals those of some kinds: what they hold is neither in the store nor in a copy of it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use tidegate_kernel::{LogKey, SmolStr, Timestamp};
use tidegate_ports::{Clock, Document, DocumentList, DocumentWrite, Documents, Ids, StoreError, Written};

use super::deployment_key::DeploymentKey;
use super::owner_seal::OwnerSeal;

mod marker;

use marker::SealMarker;

/// What the keys of documents are derived for.
const PURPOSE: &str = "document";
/// What the name of a key is derived for: it says which key it is, and nothing of it.
const NAME_PURPOSE: &str = "name of the key of documents";

/// Documents of another store, of which some kinds are sealed. A document of these kinds that a former build has stored in
/// plain text is read as it is, and sealed with its next write.
///
/// Each document has a key of its own, derived from its place, so that none opens in another's.
pub struct SealedDocuments {
    inner: Arc<dyn Documents>,
    kinds: &'static [&'static str],
    key: DeploymentKey,
    ids: Arc<dyn Ids>,
    clock: Arc<dyn Clock>,
    /// Some document has been opened under the key.
    has_opened: AtomicBool,
    /// The marker names the key.
    is_claimed: AtomicBool,
}

/// What is stored of a sealed document.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct SealedDoc {
    sealed: String,
}

impl SealedDocuments {
    pub fn new(
        inner: Arc<dyn Documents>,
        kinds: &'static [&'static str],
        key: DeploymentKey,
        ids: Arc<dyn Ids>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        let (has_opened, is_claimed) = (AtomicBool::new(false), AtomicBool::new(false));
        SealedDocuments { inner, kinds, key, ids, clock, has_opened, is_claimed }
    }

    /// Whether a store has a sealed document of these kinds: whoever has lost the key is not to make another. A store
    /// without a marker of sealed documents is searched, and gets one if it has none sealed.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn is_used(documents: &dyn Documents, kinds: &[&str], now: Timestamp) -> Result<bool, StoreError> {
        SealMarker { documents, kinds, now }.is_used().await
    }

    /// Whether the key is the one that sealed what the store has: no other has sealed, or the first sealed document
    /// opens. A store without a marker of sealed documents is searched, and gets one unless the key is another.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn opens(&self) -> Result<bool, StoreError> {
        let opens = |space: &SmolStr, document: Document| sealed(&self.opened(space, document).doc).is_none();
        self.marker().is_key(&self.key_name(), opens).await
    }

    fn marker(&self) -> SealMarker<'_> {
        SealMarker { documents: &*self.inner, kinds: self.kinds, now: self.clock.now() }
    }

    fn key_name(&self) -> String {
        format!("{:032x}", self.key.hash(NAME_PURPOSE, &[]))
    }

    /// Has the marker name the key, once in the life of the process.
    async fn claim(&self) -> Result<(), StoreError> {
        if !self.is_claimed.load(Ordering::Relaxed) {
            self.marker().claim(&self.key_name()).await?;
            self.is_claimed.store(true, Ordering::Relaxed);
        }
        Ok(())
    }

    /// A process of a former build seals without a marker. Whoever opens what it has sealed makes up for it.
    async fn claim_what_was_opened(&self) {
        if self.has_opened.load(Ordering::Relaxed)
            && let Err(error) = self.claim().await
        {
            tracing::warn!(kind = %error.kind(), %error, "that documents are sealed cannot be noted now; trying again");
        }
    }

    fn seals(&self, write: &DocumentWrite) -> bool {
        write.doc.is_some() && self.kinds.contains(&write.kind.as_str())
    }

    fn seal_of(&self, space: &str, kind: &str, name: &str) -> OwnerSeal {
        let parts = [space.as_bytes(), kind.as_bytes(), name.as_bytes()];
        OwnerSeal::new(LogKey::new(space.as_bytes(), &[space]), &self.key.derive(PURPOSE, &parts))
    }

    /// As it was written. One that does not open stays sealed, so that whoever reads it takes it for damaged, and not for
    /// missing.
    fn opened(&self, space: &str, document: Document) -> Document {
        if !self.kinds.contains(&document.kind.as_str()) {
            return document;
        }
        let Some(text) = sealed(&document.doc) else { return document };
        let Document { kind, name, .. } = &document;
        match self.seal_of(space, kind, name).open(&text) {
            Ok(doc) => {
                self.has_opened.store(true, Ordering::Relaxed);
                Document { doc, ..document }
            }
            Err(error) => {
                tracing::error!(space, %kind, %name, %error, "a sealed document cannot be read: is the key that of this deployment?");
                document
            }
        }
    }

    fn closed(&self, space: &str, write: &DocumentWrite) -> Result<DocumentWrite, StoreError> {
        let Some(doc) = write.doc.as_ref().filter(|_| self.seals(write)) else {
            return Ok(write.clone());
        };
        let sealed = self.seal_of(space, &write.kind, &write.name).seal(doc, &*self.ids);
        let doc = serde_json::to_vec(&SealedDoc { sealed });
        let doc = doc.map_err(|error| StoreError::Refused(error.to_string().into()))?;
        Ok(DocumentWrite { doc: Some(doc), ..write.clone() })
    }
}

/// The sealed text of a document, if it is sealed.
fn sealed(doc: &[u8]) -> Option<String> {
    serde_json::from_slice::<SealedDoc>(doc).ok().map(|doc| doc.sealed)
}

#[async_trait]
impl Documents for SealedDocuments {
    async fn get(&self, space: &str, kind: &str, name: &str) -> Result<Option<Document>, StoreError> {
        let found = self.inner.get(space, kind, name).await?.map(|document| self.opened(space, document));
        self.claim_what_was_opened().await;
        Ok(found)
    }

    async fn list(&self, list: &DocumentList<'_>) -> Result<Vec<Document>, StoreError> {
        let found = self.inner.list(list).await?;
        let found: Vec<Document> = found.into_iter().map(|document| self.opened(list.space, document)).collect();
        self.claim_what_was_opened().await;
        Ok(found)
    }

    async fn write(&self, space: &str, writes: &[DocumentWrite], now: Timestamp) -> Result<Written, StoreError> {
        if writes.iter().any(|write| self.seals(write)) {
            self.claim().await?;
        }
        let writes = writes.iter().map(|write| self.closed(space, write)).collect::<Result<Vec<_>, _>>()?;
        self.inner.write(space, &writes, now).await
    }

    async fn changed_since(&self, since: Timestamp) -> Result<Vec<SmolStr>, StoreError> {
        self.inner.changed_since(since).await
    }

    async fn spaces(&self) -> Result<Vec<SmolStr>, StoreError> {
        self.inner.spaces().await
    }

    async fn purge_documents(&self, now: Timestamp, limit: usize) -> Result<usize, StoreError> {
        self.inner.purge_documents(now, limit).await
    }
}

#[cfg(test)]
mod tests {
    use tidegate_inproc::clock::TestClock;
    use tidegate_inproc::documents::MemoryDocuments;
    use tidegate_ports::{Expected, RandomIds, ScanOrder};

    use super::*;

    pub(super) const KINDS: &[&str] = &["secret"];
    pub(super) const NOW: Timestamp = Timestamp::from_millis(1_800_000_000_000);

    pub(super) fn store() -> Arc<MemoryDocuments> {
        Arc::new(MemoryDocuments::new(Arc::new(TestClock::at(NOW))))
    }

    pub(super) fn over(inner: &Arc<impl Documents>, key: u8) -> SealedDocuments {
        let clock = Arc::new(TestClock::at(NOW));
        SealedDocuments::new(inner.clone(), KINDS, DeploymentKey::new([key; 32]), Arc::new(RandomIds), clock)
    }

    pub(super) async fn put(documents: &dyn Documents, space: &str, kind: &str, name: &str, doc: &str) {
        let doc = Some(doc.as_bytes().to_vec());
        let write =
            DocumentWrite { kind: kind.into(), name: name.into(), expected: Expected::Anything, doc, ends_at: None };
        assert_eq!(documents.write(space, &[write], NOW).await.unwrap(), Written::Done);
    }

    pub(super) async fn text(documents: &dyn Documents, space: &str, kind: &str, name: &str) -> String {
        String::from_utf8(documents.get(space, kind, name).await.unwrap().unwrap().doc).unwrap()
    }

    #[tokio::test]
    async fn what_is_stored_is_sealed_and_read_as_it_was_written() {
        let inner = store();
        let documents = over(&inner, 1);
        put(&documents, "a", "secret", "x", r#"{"url":"s3cret"}"#).await;
        put(&documents, "a", "plain", "x", r#"{"url":"shown"}"#).await;
        let stored = text(&*inner, "a", "secret", "x").await;
        assert!(!stored.contains("s3cret") && !stored.contains("url"), "{stored}");
        assert_eq!(text(&*inner, "a", "plain", "x").await, r#"{"url":"shown"}"#);
        assert_eq!(text(&documents, "a", "secret", "x").await, r#"{"url":"s3cret"}"#);
        let order = ScanOrder::Ascending;
        let list = DocumentList { space: "a", kind: "secret", prefix: "", after: None, order, limit: 5 };
        let listed = documents.list(&list).await.unwrap();
        assert_eq!((listed.len(), listed[0].version, &listed[0].doc[..]), (1, 1, &br#"{"url":"s3cret"}"#[..]));
        assert!(SealedDocuments::is_used(&*inner, KINDS, NOW).await.unwrap());
    }

    /// One of a former build opens as it is, and is sealed with its next write.
    #[tokio::test]
    async fn a_plain_document_is_sealed_with_its_next_write() {
        let inner = store();
        put(&*inner, "a", "secret", "x", r#"{"url":"s3cret"}"#).await;
        assert!(!SealedDocuments::is_used(&*inner, KINDS, NOW).await.unwrap());
        let documents = over(&inner, 1);
        assert_eq!(text(&documents, "a", "secret", "x").await, r#"{"url":"s3cret"}"#);
        put(&documents, "a", "secret", "x", r#"{"url":"s3cret2"}"#).await;
        assert!(!text(&*inner, "a", "secret", "x").await.contains("s3cret"));
        assert_eq!(text(&documents, "a", "secret", "x").await, r#"{"url":"s3cret2"}"#);
    }

    /// Under another key, or in another place, it stays sealed.
    #[tokio::test]
    async fn it_opens_under_its_key_and_in_its_place_alone() {
        let inner = store();
        put(&over(&inner, 1), "a", "secret", "x", "{}").await;
        let stored = text(&*inner, "a", "secret", "x").await;
        assert_eq!(text(&over(&inner, 2), "a", "secret", "x").await, stored);
        assert!(over(&inner, 1).opens().await.unwrap() && !over(&inner, 2).opens().await.unwrap());
        assert!(over(&store(), 2).opens().await.unwrap(), "there is nothing to open");
        for (space, name) in [("b", "x"), ("a", "y")] {
            put(&*inner, space, "secret", name, &stored).await;
            assert_eq!(text(&over(&inner, 1), space, "secret", name).await, stored, "{space} {name}");
        }
    }
}
