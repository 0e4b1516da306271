//! Rows about runs that wait for a worker. A suspended organization's runs do not.

use tidegate_kernel::command::{Decider, Follow};

use crate::book::{Book, OpenRun};
use crate::id::{OrgId, RunId};
use crate::views::{self, OpenShardRow, QueueRow};

/// The run is queued, for the first time or again.
pub(super) fn queued<D: Decider>(org: OrgId, book: &Book, id: RunId, into: &mut Follow<D>) {
    if let Some(run) = book.runs.get(&id) {
        row(org, book, id, run, into);
        open_shard(org, book, into);
    }
}

/// The run, as it was, is not queued any longer.
pub(super) fn left<D: Decider>(org: OrgId, book: &Book, id: RunId, run: &OpenRun, into: &mut Follow<D>) {
    into.remove(views::queued(run.created_at_ms, id));
    open_shard(org, book, into);
}

/// The organization was suspended, or is not any longer.
pub(super) fn all<D: Decider>(org: OrgId, book: &Book, into: &mut Follow<D>) {
    book.queued().for_each(|(id, run)| row(org, book, id, run, into));
    open_shard(org, book, into);
}

fn row<D: Decider>(org: OrgId, book: &Book, id: RunId, run: &OpenRun, into: &mut Follow<D>) {
    let key = views::queued(run.created_at_ms, id);
    if book.is_suspended() { into.remove(key) } else { into.put(key, &QueueRow { org, run: id }) }
}

fn open_shard<D: Decider>(org: OrgId, book: &Book, into: &mut Follow<D>) {
    let key = views::open_shard(org);
    match book.oldest_queued().filter(|_| !book.is_suspended()) {
        Some((_, oldest)) => {
            let row = OpenShardRow {
                oldest: views::queue_shard(oldest.created_at_ms),
                oldest_at_ms: oldest.created_at_ms,
                // At most Book::MAX_RUNS.
                queued: book.queued().count() as u32,
            };
            into.put(key, &row);
        }
        None => into.remove(key),
    }
}
