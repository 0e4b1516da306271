//! Looks up whether the store has what a command led to: its owner's book includes it, and its attempt has a fact.

use std::collections::{HashMap, HashSet};
use std::marker::PhantomData;
use std::sync::Arc;

use async_trait::async_trait;
use tidegate_conservation::{LookUp, LookedUp};
use tidegate_kernel::command::{CommandSource, Decider, Envelope, FactId, OwnerId};
use tidegate_kernel::{LogKey, Position};
use tidegate_ports::{Books, Clock, Consumed, FactName, Facts, StoreError, Voids, void_positions};

use crate::loading::SURELY_STORED_MS;

/// The books and facts of a product.
pub struct StoredDecisions<D> {
    books: Arc<dyn Books>,
    facts: Arc<dyn Facts>,
    voids: Arc<dyn Voids>,
    clock: Arc<dyn Clock>,
    product: PhantomData<fn() -> D>,
}

/// A command that can be judged.
struct Judged {
    position: Position,
    owner: LogKey,
    about: Vec<(&'static str, String)>,
    /// The fact that must be there, at this position or below it.
    fact: Option<FactName>,
}

impl<D: Decider> StoredDecisions<D> {
    pub const fn new(
        books: Arc<dyn Books>,
        facts: Arc<dyn Facts>,
        voids: Arc<dyn Voids>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        StoredDecisions { books, facts, voids, clock, product: PhantomData }
    }

    /// `None`: it was not decided, because it is void or cannot be read.
    fn judged(&self, record: &Consumed, voids: &HashSet<Position>) -> Option<Judged> {
        let envelope = Envelope::<D>::decode(&record.payload).ok().filter(|_| !voids.contains(&record.position))?;
        let owner = envelope.owner.log_key();
        // The fact of a replayed command may have expired before it was appended again.
        let is_replay = record.provenance.as_ref().is_some_and(|provenance| provenance.origin.is_some());
        let since = envelope.received_at.min(record.appended_at);
        let is_stored = self.clock.now().millis_since(since) < SURELY_STORED_MS && !is_replay;
        let has_fact = is_stored && D::source(&envelope.command) != CommandSource::Tick;
        let attempt = envelope.attempt.filter(|_| has_fact);
        let fact = attempt.map(|attempt| FactName { owner, id: FactId::Attempt(attempt) });
        Some(Judged { position: record.position, owner, about: vec![("owner", envelope.owner.to_string())], fact })
    }
}

#[async_trait]
impl<D: Decider> LookUp for StoredDecisions<D> {
    async fn look_up(&self, records: Vec<Consumed>) -> Result<Vec<LookedUp>, StoreError> {
        let voids = void_positions(&self.voids.all().await?);
        let judged: Vec<Judged> = records.iter().filter_map(|record| self.judged(record, &voids)).collect();
        let owners: Vec<LogKey> = judged.iter().map(|one| one.owner).collect();
        let books = self.books.load(&owners).await?;
        let names: Vec<FactName> = judged.iter().filter_map(|one| one.fact).collect();
        let facts = self.facts.find(&names).await?;
        let facts: HashMap<FactName, Vec<Position>> = names
            .into_iter()
            .zip(facts)
            .map(|(name, facts)| (name, facts.into_iter().map(|fact| fact.position).collect()))
            .collect();
        let looked_up = |(Judged { position, about, fact, .. }, book): (Judged, Option<tidegate_ports::StoredBook>)| {
            let decided_to = book.map(|book| book.decided_to.write_timestamp());
            let is_below = |of: &Position| of.write_timestamp() <= position.write_timestamp();
            let has_fact = fact.is_none_or(|name| facts.get(&name).is_some_and(|found| found.iter().any(is_below)));
            LookedUp { position, about, found: position.is_folded(decided_to) && has_fact }
        };
        Ok(judged.into_iter().zip(books).map(looked_up).collect())
    }
}
