//! What a batch needs: the books first, then the facts that its records name. The other way round, a newer book over older
//! facts would decide a replayed record again.

use std::collections::HashMap;
use std::sync::Arc;

use tidegate_consumer::{Entry, Group};
use tidegate_kernel::Timestamp;
use tidegate_kernel::command::{BookState, CommandSource, Decider, Envelope, Fact, FactId, OwnerId};
use tidegate_ports::{FactName, StoreError};

use crate::metrics::BOOKS_READ;
use crate::owned_partition::OwnedPartition;
use crate::ports::DecidingPorts;

/// The fact of a record that is younger than this is certainly stored: facts expire a day later.
pub(crate) const SURELY_STORED_MS: u64 = 29 * 24 * 3_600_000;

/// What is stored of the owners of a batch.
pub struct LoadedOwners<D: Decider> {
    pub(crate) partition: Arc<OwnedPartition<D>>,
    /// In the order of the groups.
    pub(crate) owners: Vec<LoadedOwner<D>>,
}

/// What is stored of one owner.
pub(crate) struct LoadedOwner<D: Decider> {
    pub state: Arc<BookState<D::Book>>,
    /// Of every name that was looked up.
    pub facts: HashMap<FactId, Vec<Fact<D>>>,
}

type OwnerGroup<D> = Group<<D as Decider>::Owner, Envelope<D>>;

pub(crate) async fn load<D: Decider>(
    ports: &DecidingPorts,
    partition: &Arc<OwnedPartition<D>>,
    groups: &[OwnerGroup<D>],
    entries: &[Entry<D::Owner>],
) -> Result<LoadedOwners<D>, StoreError> {
    let books = load_books(ports, partition, groups).await?;
    let now = ports.clock.now();
    let mut owners: Vec<LoadedOwner<D>> =
        books.into_iter().map(|state| LoadedOwner { state, facts: HashMap::new() }).collect();
    let mut wanted = Vec::new();
    for (at, (group, owner)) in groups.iter().zip(&mut owners).enumerate() {
        for (place, envelope) in &group.records {
            for id in names(envelope, &entries[*place], &owner.state, now).into_iter().flatten() {
                if owner.facts.insert(id, Vec::new()).is_none() {
                    wanted.push((at, FactName { owner: group.key.log_key(), id }));
                }
            }
        }
    }
    if !wanted.is_empty() {
        let names: Vec<FactName> = wanted.iter().map(|(_, name)| *name).collect();
        for ((at, name), found) in wanted.into_iter().zip(ports.facts.find(&names).await?) {
            let decoded = found.iter().map(|fact| Fact::decode(fact.position, &fact.doc));
            let facts: Result<Vec<_>, _> = decoded.collect();
            owners[at].facts.insert(name.id, facts.map_err(|error| broken(&error))?);
        }
    }
    Ok(LoadedOwners { partition: partition.clone(), owners })
}

async fn load_books<D: Decider>(
    ports: &DecidingPorts,
    partition: &OwnedPartition<D>,
    groups: &[OwnerGroup<D>],
) -> Result<Vec<Arc<BookState<D::Book>>>, StoreError> {
    let mut books: Vec<_> = groups.iter().map(|group| partition.book(group.key)).collect();
    let missing: Vec<usize> = (0..books.len()).filter(|at| books[*at].is_none()).collect();
    BOOKS_READ.with([("api", D::API), ("from", "memory")]).increment((books.len() - missing.len()) as u64);
    if !missing.is_empty() {
        BOOKS_READ.with([("api", D::API), ("from", "store")]).increment(missing.len() as u64);
        let keys: Vec<_> = missing.iter().map(|at| groups[*at].key.log_key()).collect();
        for (at, stored) in missing.into_iter().zip(ports.books.load(&keys).await?) {
            let (state, bytes) = match stored {
                Some(stored) => {
                    let state = BookState::decode(stored.decided_to, &stored.doc).map_err(|error| broken(&error))?;
                    (Arc::new(state), stored.doc.len())
                }
                None => (Arc::default(), 0),
            };
            partition.loaded_book(groups[at].key, state.clone(), bytes);
            books[at] = Some(state);
        }
    }
    // Every missing one was filled in.
    Ok(books.into_iter().map(Option::unwrap_or_default).collect())
}

/// The facts to look up for a record. Of its attempt: where it may have been decided before, which is so for a record at or
/// below the book, a replayed one, and whatever may be appended twice. Of its key: where it is to be decided.
fn names<D: Decider>(
    envelope: &Envelope<D>,
    entry: &Entry<D::Owner>,
    state: &BookState<D::Book>,
    now: Timestamp,
) -> [Option<FactId>; 2] {
    let is_before = entry.position.is_folded(state.decided_to.map(|decided_to| decided_to.write_timestamp()));
    let appended_at = envelope.received_at.min(entry.appended_at);
    let by_attempt = match is_before {
        true => now.millis_since(appended_at) < SURELY_STORED_MS,
        false => entry.origin.is_some() || D::source(&envelope.command) != CommandSource::Client,
    };
    let attempt = envelope.attempt.filter(|_| by_attempt).map(FactId::Attempt);
    [attempt, envelope.key.filter(|_| !is_before).map(|key| FactId::Key(key.hash))]
}

fn broken(error: &dyn std::error::Error) -> StoreError {
    StoreError::Broken(error.to_string().into())
}
