//! Documents. A space is one partition, and a step is one conditional batch in it.
//!
//! Each write of a batch has the version that was read as its condition, so that the batch is applied only to what its own
//! conditions were judged by. Rows have no markers: a row without cells is not there, whether they were deleted or have ended.

use std::collections::BTreeSet;

use async_trait::async_trait;
use futures_util::{StreamExt, TryStreamExt, stream};
use scylla::response::PagingState;
use scylla::value::CqlTimestamp;
use tidegate_kernel::{SmolStr, Timestamp};
use tidegate_ports::{
    Document, DocumentList, DocumentWrite, Documents, Expected, FailureCause, ScanOrder, StoreError, Written,
};

use super::ScyllaSettings;
use crate::batch::PartitionBatch;
use crate::failure::unreadable;
use crate::session::Page;

const MINUTE_MS: i64 = 60_000;
/// Changes are looked for in so many minutes at most: each is a read. For more, all spaces are named.
const MINUTES: i64 = 60;
/// How many times a step is tried when concurrent ones win.
const TRIES: u32 = 10;
/// Rows of a page: not fewer, since ended ones may be among them, and not more, since each has its document.
const PAGE_ROWS: (usize, usize) = (50, 500);

/// What a read finds of a document that is stored.
type Cells = (String, Option<i64>, Option<Vec<u8>>, Option<CqlTimestamp>, Option<CqlTimestamp>);

/// A document as it is stored, whether or not it has ended.
struct Stored {
    document: Document,
    ends_at: Option<Timestamp>,
}

#[async_trait]
impl Documents for ScyllaSettings {
    async fn get(&self, space: &str, kind: &str, name: &str) -> Result<Option<Document>, StoreError> {
        let stored = self.stored(space, kind, name).await?;
        Ok(stored.filter(|stored| stored.is_there(self.clock.now())).map(|stored| stored.document))
    }

    async fn list(&self, list: &DocumentList<'_>) -> Result<Vec<Document>, StoreError> {
        let (mut found, now) = (Vec::new(), self.clock.now());
        let mut from = Some(PagingState::start());
        while let Some(state) = from.filter(|_| found.len() < list.limit) {
            let page = self.document_page(list, state).await?;
            for row in page.rows.rows::<Cells>().map_err(|error| unreadable("documents", error))? {
                let row = row.map_err(|error| unreadable("documents", error))?;
                let is_beyond = list.order == ScanOrder::Ascending && is_beyond(&row.0, list.prefix);
                if is_beyond || found.len() == list.limit {
                    return Ok(found);
                }
                let stored = Stored::of(list.kind, row).filter(|stored| stored.is_there(now));
                found.extend(stored.map(|stored| stored.document).filter(|one| one.name.starts_with(list.prefix)));
            }
            from = page.next;
        }
        Ok(found)
    }

    async fn write(&self, space: &str, writes: &[DocumentWrite], now: Timestamp) -> Result<Written, StoreError> {
        DocumentWrite::check(writes)?;
        for _ in 0..TRIES {
            let there = self.all_stored(space, writes).await?;
            let version = |stored: &Option<Stored>| {
                stored.as_ref().filter(|stored| stored.is_there(now)).map(|stored| stored.document.version)
            };
            let is_wrong = |(write, stored): (&DocumentWrite, &Option<Stored>)| match write.expected {
                Expected::Anything => false,
                Expected::Absent => version(stored).is_some(),
                Expected::Version(expected) => version(stored) != Some(expected),
            };
            if let Some(at) = writes.iter().zip(&there).position(is_wrong) {
                return Ok(Written::Conflict(at));
            }
            let steps = writes.iter().zip(&there).map(|(write, stored)| (write, stored.as_ref(), version(stored)));
            let batch = self.batch(space, steps, now)?;
            // Announced before, so that no reader of the change has missed it, and again after: it may be another
            // minute by then.
            self.announce(space, now).await?;
            let is_applied = batch.values.is_empty() || self.cql.conditional_batch(&batch).await?;
            if is_applied {
                self.announce(space, now.max(self.clock.now())).await?;
                return Ok(Written::Done);
            }
        }
        let text = format!("documents of one space changed {TRIES} times while others were written");
        Err(StoreError::Unavailable(FailureCause::overloaded(text)))
    }

    async fn changed_since(&self, since: Timestamp) -> Result<Vec<SmolStr>, StoreError> {
        // Writers' clocks may be ahead.
        let (first, last) = (minute_of(since), minute_of(self.clock.now()) + 1);
        if last - first > MINUTES {
            return self.spaces().await;
        }
        let changed = |minute: i64| {
            let settings = self.clone();
            async move { settings.names(&settings.cql.statements().changed_spaces, (minute,)).await }
        };
        let minutes = stream::iter(first..=last).map(changed).buffer_unordered(self.cql.concurrency());
        let spaces: Vec<Vec<SmolStr>> = minutes.try_collect().await?;
        Ok(spaces.into_iter().flatten().collect::<BTreeSet<_>>().into_iter().collect())
    }

    async fn spaces(&self) -> Result<Vec<SmolStr>, StoreError> {
        self.names(&self.cql.statements().spaces, ()).await
    }

    /// Does nothing: documents that end have a time to live.
    async fn purge_documents(&self, _now: Timestamp, _limit: usize) -> Result<usize, StoreError> {
        Ok(0)
    }
}

impl ScyllaSettings {
    async fn stored(&self, space: &str, kind: &str, name: &str) -> Result<Option<Stored>, StoreError> {
        let found = self.cql.run(&self.cql.statements().document, (space, kind, name)).await?;
        let row = found.rows.maybe_first_row::<Cells>().map_err(|error| unreadable("a document", error))?;
        Ok(row.and_then(|cells| Stored::of(kind, cells)))
    }

    /// Those that the writes are about, in their order.
    async fn all_stored(&self, space: &str, writes: &[DocumentWrite]) -> Result<Vec<Option<Stored>>, StoreError> {
        let read = |(kind, name): (SmolStr, SmolStr)| {
            let (settings, space) = (self.clone(), space.to_owned());
            async move { settings.stored(&space, &kind, &name).await }
        };
        let keys: Vec<_> = writes.iter().map(|write| (write.kind.clone(), write.name.clone())).collect();
        stream::iter(keys).map(read).buffered(self.cql.concurrency()).try_collect().await
    }

    /// Each write with the version that is stored as its condition; `version` is that of a document that has not ended.
    fn batch<'w>(
        &self,
        space: &str,
        steps: impl Iterator<Item = (&'w DocumentWrite, Option<&'w Stored>, Option<u64>)>,
        now: Timestamp,
    ) -> Result<PartitionBatch, StoreError> {
        let statements = self.cql.statements();
        let mut batch = PartitionBatch::conditional("write_documents");
        for (write, stored, version) in steps {
            let condition = stored.map(|stored| signed(stored.document.version)).transpose()?;
            let (space, kind, name) = (space.to_owned(), write.kind.to_string(), write.name.to_string());
            match &write.doc {
                Some(doc) => {
                    let live_s = write.ends_at.map_or(0, |ends_at| self.seconds_until(ends_at));
                    let version = signed(version.unwrap_or(0) + 1)?;
                    let (written_at, ends_at) = (instant(now), write.ends_at.map(instant));
                    let values = (live_s, version, doc.clone(), written_at, ends_at, space, kind, name, condition);
                    batch.add(&statements.set_document, values);
                }
                None if stored.is_some() => batch.add(&statements.remove_document, (space, kind, name, condition)),
                None => {}
            }
        }
        Ok(batch)
    }

    async fn announce(&self, space: &str, at: Timestamp) -> Result<(), StoreError> {
        self.cql.write(&self.cql.statements().announce_change, (minute_of(at), space)).await
    }

    async fn document_page(&self, list: &DocumentList<'_>, from: PagingState) -> Result<Page, StoreError> {
        let statements = self.cql.statements();
        let (least, most) = PAGE_ROWS;
        // At most 500, which fits.
        let rows = Some(list.limit.clamp(least, most) as i32);
        let key = (list.space, list.kind);
        match (list.order, list.after) {
            (ScanOrder::Ascending, Some(after)) if after >= list.prefix => {
                self.cql.page(&statements.documents_up_after, (key.0, key.1, after), rows, from).await
            }
            (ScanOrder::Ascending, _) => {
                self.cql.page(&statements.documents_up, (key.0, key.1, list.prefix), rows, from).await
            }
            (ScanOrder::Descending, None) => {
                self.cql.page(&statements.documents_down, (key.0, key.1, list.prefix), rows, from).await
            }
            (ScanOrder::Descending, Some(after)) => {
                let values = (key.0, key.1, list.prefix, after);
                self.cql.page(&statements.documents_down_before, values, rows, from).await
            }
        }
    }

    /// All texts of one column.
    async fn names(
        &self,
        statement: &crate::statement::Prepared,
        values: impl scylla::serialize::row::SerializeRow,
    ) -> Result<Vec<SmolStr>, StoreError> {
        let mut names = Vec::new();
        let mut from = Some(PagingState::start());
        while let Some(state) = from {
            let page = self.cql.page(statement, &values, None, state).await?;
            for row in page.rows.rows::<(&str,)>().map_err(|error| unreadable("spaces", error))? {
                names.push(row.map_err(|error| unreadable("spaces", error))?.0.into());
            }
            from = page.next;
        }
        Ok(names)
    }
}

impl Stored {
    /// `None`: there are no cells.
    fn of(kind: &str, (name, version, doc, written_at, ends_at): Cells) -> Option<Self> {
        let document = Document {
            kind: kind.into(),
            name: name.into(),
            version: u64::try_from(version?).ok()?,
            doc: doc.unwrap_or_default(),
            written_at: written_at.map_or(Timestamp::FIRST, |at| Timestamp::from_millis(at.0)),
        };
        Some(Stored { document, ends_at: ends_at.map(|at| Timestamp::from_millis(at.0)) })
    }

    fn is_there(&self, now: Timestamp) -> bool {
        self.ends_at.is_none_or(|ends_at| now < ends_at)
    }
}

/// Whether no name from this one on has the prefix.
fn is_beyond(name: &str, prefix: &str) -> bool {
    name > prefix && !name.starts_with(prefix)
}

const fn minute_of(at: Timestamp) -> i64 {
    at.as_millis().div_euclid(MINUTE_MS)
}

const fn instant(at: Timestamp) -> CqlTimestamp {
    CqlTimestamp(at.as_millis())
}

fn signed(version: u64) -> Result<i64, StoreError> {
    i64::try_from(version).map_err(|error| unreadable("a document's version", error))
}
