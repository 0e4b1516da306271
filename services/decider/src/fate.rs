//! How a decided record counts in the accounts.

use tidegate_kernel::Position;
use tidegate_kernel::command::{Decider, Fact, Outcome, Source};
use tidegate_ports::Fate;

/// An answer counts as stored, a repeat as a duplicate, a refusal as a conflict. A tick counts as stored, whatever it came to.
pub(crate) fn fate_of<D: Decider>(command: &D::Command, outcome: &Outcome<D>) -> Fate {
    match (D::source(command), outcome) {
        (Source::Tick, _) | (_, Outcome::Answered(_)) => Fate::Stored,
        (_, Outcome::Repeated(_)) => Fate::Duplicate,
        (_, Outcome::Refused(_) | Outcome::Mismatched | Outcome::Expired) => Fate::Conflict,
    }
}

/// How a record ended that was decided before, by the facts of its attempt: at its own position is its decision, and one at
/// a lower position makes it a repeat on the log. `None`: the facts do not say.
pub(crate) fn fate_before<D: Decider>(command: &D::Command, position: Position, facts: &[Fact<D>]) -> Option<Fate> {
    let at = |fact: &&Fact<D>| fact.position.write_timestamp();
    let own = facts.iter().find(|fact| at(fact) == position.write_timestamp());
    let is_lower = || facts.iter().any(|fact| at(&fact) < position.write_timestamp());
    own.map(|fact| fate_of(command, &fact.outcome)).or_else(|| is_lower().then_some(Fate::Duplicate))
}
