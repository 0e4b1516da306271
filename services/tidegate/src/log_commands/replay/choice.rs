//! Whether a record is to be appended again: one pure function.

use bytes::Bytes;
use serde::Deserialize;
use tidegate_agentping::{Body, Record, RunId, RunKey, Slug, TeamId};
use tidegate_kernel::Position;
use tidegate_ports::{Again, Consumed, DeadLetter, Origin};

use super::selection::Selection;
use crate::log_commands::kind::Kind;

/// A record that was found where the selection points.
#[derive(Clone, Debug)]
pub struct Candidate {
    pub position: Position,
    pub payload: Bytes,
    /// Set when it is a replay itself.
    pub origin: Option<Origin>,
    /// What it says, if this build can read it.
    pub record: Option<Record>,
}

/// The decision about a candidate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    Chosen,
    /// Chosen if its run is this agent's, which the record does not say.
    IfOfAgent(RunKey),
    PassedOver(Reason),
}

/// Why a record is not appended again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// Another team's, agent's or kind.
    NotAskedFor,
    /// It is a replay itself; its original is what counts.
    Replay,
    /// This build cannot read it: appended again, it would become a dead letter again.
    Unreadable,
    /// Neither the store nor the records read before name the agent of its run.
    AgentUnknown,
    /// The log does not have it any more.
    Gone,
    /// The log does not take records of its size any more.
    TooLarge,
}

impl Candidate {
    fn new(position: Position, payload: Bytes, origin: Option<Origin>) -> Self {
        let record = Record::decode(&payload).ok();
        Candidate { position, payload, origin, record }
    }

    pub fn of_record(consumed: Consumed) -> Self {
        let origin = consumed.provenance.and_then(|provenance| provenance.origin);
        Candidate::new(consumed.position, consumed.payload, origin)
    }

    pub fn of_letter(letter: DeadLetter) -> Self {
        Candidate::new(letter.position, letter.payload, letter.provenance.origin)
    }

    pub fn kind(&self) -> Option<Kind> {
        self.record.as_ref().map(|record| Kind::of(&record.body))
    }

    /// Also of a record whose body cannot be read, as long as it names both ids.
    pub fn key(&self) -> Option<RunKey> {
        #[derive(Deserialize)]
        struct Ids {
            team: TeamId,
            run: RunId,
        }
        if let Some(record) = &self.record {
            return Some(record.key());
        }
        serde_json::from_slice(&self.payload).ok().map(|Ids { team, run }| RunKey { team, run })
    }

    /// The same bytes, with their position as their origin.
    pub fn again(&self) -> Again {
        let attempt = self.origin.map_or(1, |origin| origin.attempt).saturating_add(1);
        Again {
            key: self.key().map(RunKey::log_key),
            payload: self.payload.clone(),
            origin: Origin { position: self.position, attempt },
        }
    }
}

/// The agent that a record names.
pub fn agent_of(record: &Record) -> Option<&Slug> {
    match &record.body {
        Body::Start(start) => Some(&start.agent),
        Body::Heartbeat(heartbeat) => Some(&heartbeat.agent),
        Body::Events(_) | Body::Finish(_) => None,
    }
}

/// Decides about one candidate.
pub fn judge(selection: &Selection, candidate: &Candidate) -> Verdict {
    use Verdict::{Chosen, IfOfAgent, PassedOver};
    let (filters, explicit) = (&selection.filters, selection.is_explicit());
    if filters.team.is_some_and(|team| candidate.key().is_some_and(|key| key.team != team)) {
        return PassedOver(Reason::NotAskedFor);
    }
    if candidate.origin.is_some() && !explicit {
        return PassedOver(Reason::Replay);
    }
    let Some(record) = &candidate.record else {
        // Whether it is what a filter asks for is not known.
        let is_found =
            filters.agent.is_none() && filters.kind.is_none() && (filters.team.is_none() || candidate.key().is_some());
        return if explicit && is_found { Chosen } else { PassedOver(Reason::Unreadable) };
    };
    if filters.kind.is_some_and(|kind| kind != Kind::of(&record.body)) {
        return PassedOver(Reason::NotAskedFor);
    }
    match (&filters.agent, agent_of(record)) {
        (None, _) => Chosen,
        (Some(wanted), Some(agent)) if wanted == agent => Chosen,
        (Some(_), Some(_)) => PassedOver(Reason::NotAskedFor),
        (Some(_), None) => IfOfAgent(record.key()),
    }
}

#[cfg(test)]
mod tests;
