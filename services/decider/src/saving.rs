//! Writing what a batch decided. Each step is acknowledged before the next: views, due times and deliveries → facts →
//! effects → books. The book is the commit point; whatever is written before it may be written again, and is the same.
//! Views come before facts, so a client that has its answer finds what the command created. No book is stored in a
//! store that may have lost what the loaded one stands on ([`store_seen`](crate::store_seen)).

use std::sync::Arc;

use futures_util::future::join_all;
use tidegate_consumer::StoreSeen;
use tidegate_kernel::command::Decider;
use tidegate_ports::{Append, AppendError, StoreError};

use crate::change::OwnerChange;
use crate::fail_points::{WriteStep, after};
use crate::metrics::EFFECTS;
use crate::ports::DecidingPorts;
use crate::store_seen::went_back;

/// Effects appended at once.
const APPENDS_AT_ONCE: usize = 64;

pub(crate) async fn save<D: Decider>(
    ports: &DecidingPorts,
    changes: &[OwnerChange<D>],
    seen: StoreSeen,
) -> Result<(), StoreError> {
    let (views, due, deliveries) = tokio::join!(
        ports.views.put(all(changes, |change| &change.views)),
        ports.due.put(Arc::new(changes.iter().filter_map(|change| change.due).collect())),
        ports.deliveries.put(all(changes, |change| &change.deliveries)),
    );
    views.and(due).and(deliveries)?;
    after(WriteStep::Views);
    ports.facts.add(all(changes, |change| &change.facts)).await?;
    after(WriteStep::Facts);
    if let Some(append) = &ports.append {
        append_effects(&**append, changes).await?;
    }
    after(WriteStep::Effects);
    // Right before the write that says that everything below is stored. What is written above hides no loss: read again,
    // the same commands write the same.
    if went_back(seen, &*ports.books).await? {
        // Without their books these commands are undecided. The consumer reads them again, after what the store lost.
        tracing::warn!("a server of the store started again during a save: its books are not stored");
        return Ok(());
    }
    ports.books.save(Arc::new(changes.iter().map(|change| change.book.clone()).collect())).await?;
    after(WriteStep::Books);
    for change in changes {
        change.partition.keep_book(change.owner, change.state.clone(), change.book.book.doc.len());
        if let Some(due) = change.due {
            change.partition.set_due(change.owner, due.at);
        }
        change.partition.deliver(&change.deliveries);
    }
    Ok(())
}

fn all<D: Decider, T: Clone>(changes: &[OwnerChange<D>], of: impl Fn(&OwnerChange<D>) -> &Vec<T>) -> Arc<Vec<T>> {
    Arc::new(changes.iter().flat_map(of).cloned().collect())
}

async fn append_effects<D: Decider>(append: &dyn Append, changes: &[OwnerChange<D>]) -> Result<(), StoreError> {
    let waiting = || changes.iter().filter(|change| !change.effects.are_appended());
    let commands: Vec<_> = waiting().flat_map(|change| change.effects.commands.iter()).collect();
    for some in commands.chunks(APPENDS_AT_ONCE) {
        let appending = some.iter().map(|one| append.append_effect(one.owner, one.command.clone(), one.cause));
        for appended in join_all(appending).await {
            appended.map_err(not_appended)?;
        }
        EFFECTS.with([("api", D::API)]).increment(some.len() as u64);
    }
    waiting().for_each(|change| change.effects.appended());
    Ok(())
}

/// An effect that may be on the log is appended again: the receiver identifies it by its attempt.
fn not_appended(error: AppendError) -> StoreError {
    match error {
        AppendError::NotPersisted(cause) | AppendError::Unknown(cause) => StoreError::Unavailable(cause),
        AppendError::TooLarge { .. } => StoreError::Refused(error.to_string().into()),
    }
}
