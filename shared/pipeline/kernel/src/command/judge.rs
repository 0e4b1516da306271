//! The protocol around a decision, in one pure function.

use super::{Attempt, BookState, CommandOutcome, CommandSource, Decider, Envelope, Fact, FactId, Follow};
use crate::{Position, Timestamp};

/// What is stored of the names that a command carries, at any position. The facts that earlier records of the same batch
/// made belong here, too.
#[derive(Clone, Copy, Debug)]
pub struct Prior<'a, D: Decider> {
    /// Facts of the command's attempt.
    pub attempt: &'a [Fact<D>],
    /// Facts of its idempotency key.
    pub key: &'a [Fact<D>],
}

impl<D: Decider> Prior<'_, D> {
    /// Nothing is known.
    pub const NONE: Prior<'static, D> = Prior { attempt: &[], key: &[] };
}

/// A record's position on the log.
#[derive(Clone, Copy, Debug)]
pub struct RecordPlace {
    pub position: Position,
    /// When the log took it.
    pub appended_at: Timestamp,
    /// On a record that a replay appended again: where it was read from. `None` where the record there was set aside
    /// undecided.
    pub origin: Option<Position>,
}

/// What becomes of a record.
#[derive(Debug)]
pub enum Judged<D: Decider> {
    /// It was decided before: it is at or below the position that the book is decided to. All that it made is stored.
    Before,
    /// It is on the log a second time, and was decided at a lower position. Nothing happens.
    Duplicate,
    Decided(Box<CommandDecision<D>>),
}

/// A decision, and what follows from it.
#[derive(Debug)]
pub struct CommandDecision<D: Decider> {
    pub outcome: CommandOutcome<D>,
    /// Whether the command itself changed the book, apart from what was due.
    pub changed: bool,
    /// The owner's time of the decision.
    pub decided_at: Timestamp,
    /// What was due, then what the command did.
    pub events: Vec<D::Event>,
    pub follow: Follow<D>,
    /// Of a repeat: the effects of the decision that it repeats, which its client waits for, too. They are not emitted
    /// again.
    pub earlier_effects: Vec<(D::Owner, Attempt)>,
}

/// Decides the record at `place`, and moves `state` past it.
///
/// 1. At or below the position of the book: decided before.
/// 2. A fact of its attempt at a lower position, or a replay of a record at or below the position of the book: a duplicate.
///    A fact at its own position does not count, since it is what a half-done first try of this decision wrote.
/// 3. A fact of its key at a lower position, younger than the window: a repeat, or a mismatch.
/// 4. A client's command that reached the log late has expired.
/// 5. What is due happens; then the command is decided.
pub fn judge<D: Decider>(
    state: &mut BookState<D::Book>,
    envelope: &Envelope<D>,
    place: RecordPlace,
    prior: Prior<'_, D>,
) -> Judged<D> {
    let RecordPlace { position, appended_at, origin } = place;
    let decided_to = state.decided_to.map(|decided_to| decided_to.write_timestamp());
    if position.is_folded(decided_to) {
        return Judged::Before;
    }
    state.decided_to = Some(position);
    let is_replay = origin.is_some_and(|origin| origin.partition == position.partition && origin.is_folded(decided_to));
    if is_replay || prior.attempt.iter().any(|fact| is_below(fact, position)) {
        return Judged::Duplicate;
    }
    let now = state.now.max(envelope.received_at.min(appended_at));
    if let Some(key) = envelope.key
        && let Some(fact) = in_window(prior.key, position, now)
    {
        let mut decision = CommandDecision::without_change(CommandOutcome::Mismatched, now);
        if let CommandOutcome::Answered(answer) = &fact.outcome
            && fact.fingerprint == Some(key.fingerprint)
        {
            decision.outcome = CommandOutcome::Repeated(answer.clone());
            decision.earlier_effects.clone_from(&fact.effects);
        }
        return Judged::Decided(Box::new(decision));
    }
    let late = appended_at.as_millis().saturating_sub(envelope.received_at.as_millis()) > Fact::<D>::EXPIRY_MS;
    if late && D::source(&envelope.command) == CommandSource::Client {
        return Judged::Decided(Box::new(CommandDecision::without_change(CommandOutcome::Expired, now)));
    }
    state.now = now;
    state.rules = state.rules.max(envelope.rules);
    let mut decision = CommandDecision::without_change(CommandOutcome::Expired, now);
    let due = D::advance(state.rules, &state.book, now);
    decision.apply(envelope.owner, &mut state.book, due);
    decision.outcome = match D::decide(state.rules, &state.book, &envelope.command, now) {
        Ok((events, answer)) => {
            decision.changed = !events.is_empty();
            decision.apply(envelope.owner, &mut state.book, events);
            CommandOutcome::Answered(answer)
        }
        Err(refusal) => CommandOutcome::Refused(refusal),
    };
    Judged::Decided(Box::new(decision))
}

fn is_below<D: Decider>(fact: &Fact<D>, position: Position) -> bool {
    fact.position.write_timestamp() < position.write_timestamp()
}

/// The last fact below the position, if its window is still open.
fn in_window<D: Decider>(facts: &[Fact<D>], position: Position, now: Timestamp) -> Option<&Fact<D>> {
    let below = facts.iter().filter(|fact| is_below(fact, position));
    let last = below.max_by_key(|fact| fact.position.write_timestamp())?;
    (now.as_millis().saturating_sub(last.decided_at.as_millis()) < D::KEY_WINDOW_MS).then_some(last)
}

impl<D: Decider> CommandDecision<D> {
    fn without_change(outcome: CommandOutcome<D>, decided_at: Timestamp) -> Self {
        CommandDecision {
            outcome,
            changed: false,
            decided_at,
            events: Vec::new(),
            follow: Follow::default(),
            earlier_effects: Vec::new(),
        }
    }

    fn apply(&mut self, owner: D::Owner, book: &mut D::Book, events: Vec<D::Event>) {
        for event in &events {
            D::evolve(book, event);
            D::follow(owner, book, event, &mut self.follow);
        }
        self.events.extend(events);
    }

    /// The facts to write: that of the attempt, whatever the outcome, and that of the key, if the command changed the book.
    /// A refusal leaves no fact of its key, so that a later try with the key is decided again.
    pub fn facts(&self, envelope: &Envelope<D>, position: Position) -> Vec<(FactId, Fact<D>)> {
        let emitted = self.follow.effects.iter().map(|effect| (effect.owner, effect.attempt));
        let effects: Vec<_> = emitted.chain(self.earlier_effects.iter().copied()).collect();
        let fact = |fingerprint| Fact {
            position,
            decided_at: self.decided_at,
            fingerprint,
            effects: effects.clone(),
            outcome: self.outcome.clone(),
        };
        let of_attempt = envelope.attempt.map(|attempt| (FactId::Attempt(attempt), fact(None)));
        let key = envelope.key.filter(|_| self.changed);
        let of_key = key.map(|key| (FactId::Key(key.hash), fact(Some(key.fingerprint))));
        of_attempt.into_iter().chain(of_key).collect()
    }
}
