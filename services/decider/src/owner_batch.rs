//! Deciding the records of one owner in a batch, in log order. Pure.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use bytes::Bytes;
use tidegate_consumer::{Entry, FoldStop, Group, or_panic};
use tidegate_kernel::command::{
    BookState, CommandDecision, CommandSource, Decider, Envelope, Fact, FactId, Judged, OwnerId, Prior, RecordPlace,
    ViewChange, ViewKey, judge,
};
use tidegate_kernel::{LogKey, Position, Timestamp};
use tidegate_ports::{
    BookWrite, DeliveryWrite, DueWrite, FactName, Fate, MAX_BOOK_BYTES, StoredBook, StoredFact, ViewWrite,
};

use crate::change::{EffectCommand, Effects, OwnerChange};
use crate::fate::{fate_before, fate_of};
use crate::loading::{LoadedOwner, LoadedOwners};
use crate::owned_partition::OwnedPartition;

/// Facts of clients, workers and operators may be deleted so long after the decision; those of effects never.
const FACT_LIVES_MS: i64 = 30 * 24 * 3_600_000;

/// One owner, while its records are decided.
pub(crate) struct OwnerBatch<D: Decider> {
    owner: D::Owner,
    log_key: LogKey,
    state: BookState<D::Book>,
    /// Those that were looked up, and those that this batch made.
    known_facts: HashMap<FactId, Vec<Fact<D>>>,
    /// The last value of each row, and the record that changed it last.
    views: BTreeMap<ViewKey, (Option<Vec<u8>>, Position)>,
    due: Option<Timestamp>,
    due_write: Option<DueWrite>,
    deliveries: Vec<DeliveryWrite>,
    facts: Vec<StoredFact>,
    effects: Vec<EffectCommand>,
    is_changed: bool,
}

impl<D: Decider> OwnerBatch<D> {
    pub fn new(owner: D::Owner, loaded: LoadedOwner<D>) -> Self {
        let state = Arc::unwrap_or_clone(loaded.state);
        OwnerBatch {
            owner,
            log_key: owner.log_key(),
            due: D::due(&state.book),
            state,
            known_facts: loaded.facts,
            views: BTreeMap::new(),
            due_write: None,
            deliveries: Vec::new(),
            facts: Vec::new(),
            effects: Vec::new(),
            is_changed: false,
        }
    }

    /// Decides the owner's records and sets their fates.
    ///
    /// # Errors
    /// [`FoldStop`]: a record is of another log than the one that was decided, its decision panics, or the book is too
    /// large.
    pub fn decide(
        mut self,
        records: Vec<(usize, Envelope<D>)>,
        entries: &mut [Entry<D::Owner>],
        partition: &Arc<OwnedPartition<D>>,
    ) -> Result<Option<OwnerChange<D>>, FoldStop> {
        for (at, envelope) in records {
            // A decision is a function of the record and of the book before it, and so is its panic. A record that the
            // book includes may have been decided by this very release.
            let is_above = self.state.decided_to < Some(entries[at].position);
            let panicked = |reason| Err(Undecided { reason, for_good: is_above });
            let decided =
                or_panic("deciding", || self.decide_one(&envelope, &mut entries[at])).unwrap_or_else(panicked);
            decided.map_err(|Undecided { reason, for_good }| FoldStop { at: Some(at), for_good, reason })?;
        }
        self.into_change(partition)
    }

    fn decide_one(&mut self, envelope: &Envelope<D>, entry: &mut Entry<D::Owner>) -> Result<(), Undecided> {
        // Of a store that contradicts the log nothing follows for the record: it may have been decided.
        let contradicted = |reason| Undecided { reason, for_good: false };
        let position = entry.position;
        self.check_partition(position).map_err(contradicted)?;
        if !self.state.is_known_to(D::RULES) {
            let reason = format!(
                "the book of {} was decided by rules {}, and this release knows rules up to {}: run a newer one",
                self.owner,
                self.state.rules,
                D::RULES
            );
            // One that the book includes may have been decided by this very release.
            let for_good = self.state.decided_to < Some(position);
            return Err(Undecided { reason, for_good });
        }
        // A record that was set aside undecided was not decided there.
        let origin = entry.origin.filter(|origin| !origin.is_void).map(|origin| origin.position);
        let place = RecordPlace { position, appended_at: entry.appended_at, origin };
        let of = |id: Option<FactId>| id.and_then(|id| self.known_facts.get(&id)).map_or(&[][..], |facts| facts);
        let prior = Prior {
            attempt: of(envelope.attempt.map(FactId::Attempt)),
            key: of(envelope.key.map(|key| FactId::Key(key.hash))),
        };
        match judge(&mut self.state, envelope, place, prior) {
            Judged::Before => {
                entry.fate_before = self.decided_before(envelope, position).map_err(contradicted)?;
            }
            Judged::Duplicate => {
                entry.fate = Some(Fate::Duplicate);
                self.is_changed = true;
            }
            Judged::Decided(decision) => {
                entry.fate = Some(fate_of(&envelope.command, &decision.outcome));
                self.is_changed = true;
                self.take(*decision, envelope, position);
            }
        }
        Ok(())
    }

    /// A book is decided in one partition: positions of another one cannot be compared with it.
    fn check_partition(&self, position: Position) -> Result<(), String> {
        match self.state.decided_to {
            Some(decided_to) if decided_to.partition != position.partition => Err(format!(
                "the book of {} is decided to {decided_to}, which is in another partition: this is another log than the \
                 one that was decided",
                self.owner
            )),
            _ => Ok(()),
        }
    }

    /// How a record at or below the book ended. If its fact should be there and is not, the store is of another log.
    fn decided_before(&self, envelope: &Envelope<D>, position: Position) -> Result<Option<Fate>, String> {
        if D::source(&envelope.command) == CommandSource::Tick {
            return Ok(Some(Fate::Stored));
        }
        let Some(facts) = envelope.attempt.and_then(|attempt| self.known_facts.get(&FactId::Attempt(attempt))) else {
            return Ok(None);
        };
        let fate = fate_before(&envelope.command, position, facts);
        match (fate, self.state.decided_to) {
            (None, Some(decided_to)) => Err(format!(
                "the book of {} is decided to {decided_to}, and the store has no fact of this record: this is another log \
                 than the one that was decided, or the store has lost facts",
                self.owner
            )),
            (fate, _) => Ok(fate),
        }
    }

    fn take(&mut self, decision: CommandDecision<D>, envelope: &Envelope<D>, position: Position) {
        let is_effect = D::source(&envelope.command) == CommandSource::Effect;
        let expires_at = (!is_effect).then(|| decision.decided_at.plus_millis(FACT_LIVES_MS));
        for (id, fact) in decision.facts(envelope, position) {
            let name = FactName { owner: self.log_key, id };
            self.facts.push(StoredFact { name, position, doc: fact.encode(), expires_at });
            self.known_facts.entry(id).or_default().push(fact);
        }
        let CommandDecision { decided_at, follow, events, .. } = decision;
        for ViewChange { key, doc } in follow.views {
            self.views.insert(key, (doc, position));
        }
        let owner = self.log_key;
        self.deliveries.extend(follow.deliveries.into_iter().map(|delivery| DeliveryWrite {
            owner,
            delivery,
            position,
        }));
        for effect in follow.effects {
            let command = Envelope::<D> {
                rules: self.state.rules,
                owner: effect.owner,
                attempt: Some(effect.attempt),
                key: None,
                received_at: decided_at,
                command: effect.command,
            };
            let command = Bytes::from(command.encode());
            self.effects.push(EffectCommand { owner: effect.owner.log_key(), command, cause: position });
        }
        if !events.is_empty() {
            let due = D::due(&self.state.book);
            if due != self.due {
                self.due = due;
                self.due_write = Some(DueWrite { owner, at: due, position });
            }
        }
    }

    fn into_change(self, partition: &Arc<OwnedPartition<D>>) -> Result<Option<OwnerChange<D>>, FoldStop> {
        let Some(decided_to) = self.state.decided_to.filter(|_| self.is_changed) else { return Ok(None) };
        let doc = self.state.encode();
        if doc.len() > MAX_BOOK_BYTES {
            let (owner, bytes) = (self.owner, doc.len());
            let reason = format!("the book of {owner} would have {bytes} bytes, and {MAX_BOOK_BYTES} are allowed");
            // With the commands behind it in one batch it may be smaller again.
            return Err(FoldStop { at: None, for_good: false, reason });
        }
        let row = |(key, (doc, position))| ViewWrite { change: ViewChange { key, doc }, position };
        Ok(Some(OwnerChange {
            owner: self.owner,
            partition: partition.clone(),
            views: self.views.into_iter().map(row).collect(),
            due: self.due_write,
            deliveries: self.deliveries,
            facts: self.facts,
            effects: Arc::new(Effects::new(self.effects)),
            book: BookWrite { owner: self.log_key, book: StoredBook { doc, decided_to } },
            state: Arc::new(self.state),
        }))
    }
}

/// A record that is not decided.
struct Undecided {
    reason: String,
    for_good: bool,
}

/// Decides the records of every owner of a batch.
///
/// # Errors
/// As [`OwnerBatch::decide`].
pub(crate) fn decide_all<D: Decider>(
    groups: Vec<Group<D::Owner, Envelope<D>>>,
    loaded: LoadedOwners<D>,
    entries: &mut [Entry<D::Owner>],
) -> Result<Vec<OwnerChange<D>>, FoldStop> {
    let LoadedOwners { partition, owners } = loaded;
    let mut changes = Vec::with_capacity(groups.len());
    for (group, owner) in groups.into_iter().zip(owners) {
        changes.extend(OwnerBatch::new(group.key, owner).decide(group.records, entries, &partition)?);
    }
    Ok(changes)
}
