//! A request whose claims are decided.

use std::time::Instant;

use bytes::Bytes;
use tidegate_agentping_ports::gate::{ClaimKey, Ticket};

use crate::blocked::ClaimMode;
use crate::claims;
use crate::per_claim::PerClaim;
use crate::store_view::StoreView;
use crate::submission::Submission;

/// How one claim of a request was decided.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Slot {
    /// Not written before: the request appends it.
    New,
    /// Written before, as the gate remembers, with what it remembers.
    Repeat(Bytes),
    /// Written before, as the store says.
    Stored,
}

/// A request whose claims are decided.
pub(crate) struct Claimed {
    /// All new where there was no gate to ask.
    pub slots: PerClaim<Slot>,
    /// What the gate remembers of the claims that were read without claiming them.
    pub remembered: PerClaim<Bytes>,
    /// What the store has, where it was read. Boxed, as hardly any request has one.
    pub view: Option<Box<StoreView>>,
    /// What the gate remembers of the opening and the closing that were joined. Boxed, as hardly any request joins.
    pub joined: Option<Box<PerClaim<Bytes>>>,
    /// What the gate holds for the request; `None` without a gate.
    pub ticket: Option<Ticket>,
    /// What is claimed and could be compared neither by the gate, which lost its memory, nor by the store, which is
    /// down. It is never confirmed: a request that finds it reads the store.
    pub uncompared: Vec<ClaimKey>,
    /// When the gate was last asked: the record must be sent soon after.
    pub asked_at: Instant,
}

impl Claimed {
    /// Without a gate everything is new, except what the store has answered for.
    pub fn without_gate(submission: &Submission, modes: Option<&PerClaim<ClaimMode>>, asked_at: Instant) -> Self {
        let slots = match modes {
            None => claims::named(submission).map(|()| Slot::New),
            Some(modes) => modes.as_ref().map(|mode| match mode {
                ClaimMode::Settled => Slot::Stored,
                ClaimMode::Ask(_) => Slot::New,
            }),
        };
        Claimed { slots, ..Claimed::nothing(asked_at) }
    }

    pub const fn nothing(asked_at: Instant) -> Self {
        Claimed {
            slots: PerClaim::NONE,
            remembered: PerClaim::NONE,
            view: None,
            joined: None,
            ticket: None,
            uncompared: Vec::new(),
            asked_at,
        }
    }

    /// Whether anything of the request is new. Without claims all of it is.
    pub fn any_new(&self) -> bool {
        self.slots.is_empty() || self.slots.iter().any(|slot| *slot == Slot::New)
    }

    /// Splits off what turned out to be stored: its claims and their units; all of it where nothing is new.
    pub fn take_stored(&mut self, submission: &Submission) -> Option<Ticket> {
        if !self.any_new() {
            return self.ticket.take();
        }
        let ticket = self.ticket.as_mut()?;
        let claims = claims::of(submission).claims.zip(self.slots.as_ref()).flatten();
        let is_stored = |key: &ClaimKey| claims.iter().any(|(claim, slot)| claim.key == *key && **slot == Slot::Stored);
        let (stored, new): (Vec<_>, Vec<_>) =
            std::mem::take(&mut ticket.held).into_iter().partition(|(key, _)| is_stored(key));
        ticket.held = new;
        let units: u32 = claims
            .iter()
            .filter(|(claim, _)| stored.iter().any(|(key, _)| *key == claim.key))
            .map(|(claim, _)| claim.units)
            .sum::<u32>()
            .min(ticket.units);
        ticket.units -= units;
        Some(Ticket {
            team: ticket.team,
            held: stored,
            units,
            month: ticket.month,
            new_agent: None,
            admitted_at: ticket.admitted_at,
        })
    }
}
