//! How a decided record counts in the accounts.

use tidegate_kernel::Position;
use tidegate_kernel::command::{CommandOutcome, CommandSource, Decider, Fact};
use tidegate_ports::Fate;

/// An answer counts as stored, a repeat as a duplicate, a refusal as a conflict. A tick counts as stored, whatever it came to.
pub(crate) fn fate_of<D: Decider>(command: &D::Command, outcome: &CommandOutcome<D>) -> Fate {
    match (D::source(command), outcome) {
        (CommandSource::Tick, _) | (_, CommandOutcome::Answered(_)) => Fate::Stored,
        (_, CommandOutcome::Repeated(_)) => Fate::Duplicate,
        (_, CommandOutcome::Refused(_) | CommandOutcome::Mismatched | CommandOutcome::Expired) => Fate::Conflict,
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
