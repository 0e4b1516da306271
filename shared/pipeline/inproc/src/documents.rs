//! Documents in memory.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use tidegate_kernel::{SmolStr, Timestamp};
use tidegate_ports::{
    Clock, Document, DocumentList, DocumentWrite, Documents, Expected, ScanOrder, StoreError, Written,
};

/// Documents in memory. Clones share them.
#[derive(Clone)]
pub struct MemoryDocuments {
    kept: Arc<Mutex<Kept>>,
    clock: Arc<dyn Clock>,
}

#[derive(Default)]
struct Kept {
    spaces: BTreeMap<SmolStr, BTreeMap<(SmolStr, SmolStr), Entry>>,
    changed: BTreeMap<SmolStr, Timestamp>,
}

struct Entry {
    document: Document,
    ends_at: Option<Timestamp>,
}

impl Entry {
    fn is_there(&self, now: Timestamp) -> bool {
        self.ends_at.is_none_or(|ends_at| now < ends_at)
    }
}

impl MemoryDocuments {
    /// Documents end by this clock.
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        MemoryDocuments { kept: Arc::default(), clock }
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        // Each change is one insertion or removal in a map, and conditions are judged before the first.
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Documents for MemoryDocuments {
    async fn get(&self, space: &str, kind: &str, name: &str) -> Result<Option<Document>, StoreError> {
        let (now, kept) = (self.clock.now(), self.kept());
        let entry = kept.spaces.get(space).and_then(|space| space.get(&(kind.into(), name.into())));
        Ok(entry.filter(|entry| entry.is_there(now)).map(|entry| entry.document.clone()))
    }

    async fn list(&self, list: &DocumentList<'_>) -> Result<Vec<Document>, StoreError> {
        let (now, kept) = (self.clock.now(), self.kept());
        let Some(space) = kept.spaces.get(list.space) else { return Ok(Vec::new()) };
        let is_wanted = |name: &str| {
            let is_after = list.after.is_none_or(|after| match list.order {
                ScanOrder::Ascending => name > after,
                ScanOrder::Descending => name < after,
            });
            is_after && name.starts_with(list.prefix)
        };
        let of_kind =
            space.range((list.kind.into(), SmolStr::default())..).take_while(|((kind, _), _)| kind == list.kind);
        let there = of_kind.filter(|((_, name), entry)| entry.is_there(now) && is_wanted(name));
        let mut found: Vec<Document> = there.map(|(_, entry)| entry.document.clone()).collect();
        if list.order == ScanOrder::Descending {
            found.reverse();
        }
        found.truncate(list.limit);
        Ok(found)
    }

    async fn write(&self, space: &str, writes: &[DocumentWrite], now: Timestamp) -> Result<Written, StoreError> {
        DocumentWrite::check(writes)?;
        let mut kept = self.kept();
        let Kept { spaces, changed } = &mut *kept;
        let there = spaces.entry(space.into()).or_default();
        let version = |write: &DocumentWrite| {
            let entry = there.get(&(write.kind.clone(), write.name.clone()));
            entry.filter(|entry| entry.is_there(now)).map(|entry| entry.document.version)
        };
        let versions: Vec<Option<u64>> = writes.iter().map(version).collect();
        let is_wrong = |(write, version): (&DocumentWrite, &Option<u64>)| match write.expected {
            Expected::Anything => false,
            Expected::Absent => version.is_some(),
            Expected::Version(expected) => *version != Some(expected),
        };
        if let Some(at) = writes.iter().zip(&versions).position(is_wrong) {
            return Ok(Written::Conflict(at));
        }
        for (write, version) in writes.iter().zip(versions) {
            let DocumentWrite { kind, name, doc, ends_at, .. } = write.clone();
            let place = (kind.clone(), name.clone());
            match doc {
                None => {
                    there.remove(&place);
                }
                Some(doc) => {
                    let version = version.unwrap_or(0) + 1;
                    let document = Document { kind, name, version, doc, written_at: now };
                    there.insert(place, Entry { document, ends_at });
                }
            }
        }
        let changed = changed.entry(space.into()).or_insert(now);
        *changed = now.max(*changed);
        Ok(Written::Done)
    }

    async fn changed_since(&self, since: Timestamp) -> Result<Vec<SmolStr>, StoreError> {
        let kept = self.kept();
        Ok(kept.changed.iter().filter(|(_, at)| **at >= since).map(|(space, _)| space.clone()).collect())
    }

    async fn spaces(&self) -> Result<Vec<SmolStr>, StoreError> {
        let kept = self.kept();
        Ok(kept.spaces.iter().filter(|(_, space)| !space.is_empty()).map(|(space, _)| space.clone()).collect())
    }

    async fn purge_documents(&self, now: Timestamp, limit: usize) -> Result<usize, StoreError> {
        let mut kept = self.kept();
        let mut gone: BTreeSet<(SmolStr, (SmolStr, SmolStr))> = BTreeSet::new();
        for (space, documents) in &kept.spaces {
            let ended = documents.iter().filter(|(_, entry)| !entry.is_there(now));
            gone.extend(ended.map(|(place, _)| (space.clone(), place.clone())).take(limit - gone.len()));
        }
        for (space, place) in &gone {
            kept.spaces.get_mut(space).map(|documents| documents.remove(place));
        }
        Ok(gone.len())
    }
}
