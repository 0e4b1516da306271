//! The operations of a call of the script.

use tidegate_agentping::Slug;
use tidegate_agentping_ports::{Ask, ClaimKey, Seed, Settlement, Ticket};
use tidegate_kernel::{Month, Timestamp};

/// One operation of a call.
#[derive(Debug)]
pub(crate) enum Operation {
    Admit(Ask),
    Confirm(Ticket),
    Release(Ticket),
    /// Seeds a team. `team_born` is its creation time: nothing was claimed before it.
    Seed {
        seed: Seed,
        team_born: Timestamp,
        now: Timestamp,
    },
    Settle {
        settlement: Settlement,
        now: Timestamp,
    },
    Usage(Month),
    /// Reads how many agents the team has.
    Agents,
    /// Gives an agent's slot back.
    Forget(Slug),
}

impl Operation {
    /// The keys of the claims that the operation touches.
    pub fn claims(&self) -> impl Iterator<Item = ClaimKey> + '_ {
        let (asked, read, held): (&[_], &[_], &[_]) = match self {
            Operation::Admit(ask) => (&ask.claims, &ask.reads, &[]),
            Operation::Confirm(ticket) | Operation::Release(ticket) => (&[], &[], &ticket.held),
            Operation::Seed { .. }
            | Operation::Settle { .. }
            | Operation::Usage(_)
            | Operation::Agents
            | Operation::Forget(_) => (&[], &[], &[]),
        };
        asked.iter().map(|claim| claim.key).chain(read.iter().copied()).chain(held.iter().map(|(key, _)| *key))
    }

    /// The agents that the operation touches.
    pub fn agents(&self) -> impl Iterator<Item = &Slug> {
        let (one, seeded): (Option<&Slug>, &[Slug]) = match self {
            Operation::Admit(ask) => (ask.agent.as_ref().map(|agent| &agent.slug), &[]),
            Operation::Confirm(ticket) | Operation::Release(ticket) => (ticket.new_agent.as_ref(), &[]),
            Operation::Seed { seed, .. } => (None, &seed.agents),
            Operation::Settle { settlement, .. } => (None, &settlement.seed.agents),
            Operation::Forget(slug) => (Some(slug), &[]),
            Operation::Usage(_) | Operation::Agents => (None, &[]),
        };
        one.into_iter().chain(seeded)
    }

    /// The approximate size: the number of claims and agents, and the bytes of answers that it carries.
    pub fn size(&self) -> (usize, usize) {
        let answer_bytes = match self {
            Operation::Admit(ask) => ask.claims.iter().map(|claim| claim.answer.len()).sum(),
            _ => 0,
        };
        (self.claims().count() + self.agents().count(), answer_bytes)
    }
}
