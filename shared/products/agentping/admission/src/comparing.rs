//! From the gate's outcomes to final ones: one read of the store decides where the gate may have forgotten, and where a
//! claim was joined. What cannot be compared, because the gate lost its memory and the store is down, is taken, and its
//! claims stay unconfirmed.

use tidegate_agentping::RunKey;
use tidegate_agentping_ports::{ClaimKey, ClaimOutcome, StoreRead, Ticket};

use crate::admission::Admission;
use crate::by_store::{ByStore, StoreView};
use crate::claiming::{Claimed, Mode, Slot, asked_or_all, key_of};
use crate::claims;
use crate::metrics::UNCOMPARED;
use crate::refusal::Refusal;
use crate::submission::{Caller, Submission};

impl Admission {
    pub(crate) async fn view(&self, caller: &Caller, submission: &Submission) -> Result<StoreView, Refusal> {
        let key = RunKey { team: caller.team, run: submission.run };
        let read = self.read_store(key, &submission.body, self.config.timeouts.store_ms).await;
        let view = read.map_err(|error| {
            tracing::warn!(kind = %error.kind(), %error, "an answer depends on the store");
            Refusal::StoreUnavailable { retry_after_s: self.store_outage.failed(self.ports.clock.now()) }
        })?;
        self.store_outage.over();
        Ok(view)
    }

    /// From the gate's outcomes to final ones: asks the store where it must, and gives back what was claimed wrongly.
    pub(crate) async fn settle(
        &self,
        caller: &Caller,
        submission: &Submission,
        modes: &[Mode],
        outcomes: Vec<ClaimOutcome>,
        mut claimed: Claimed,
    ) -> Result<Claimed, Refusal> {
        let indexes = asked_or_all(modes, outcomes.len());
        claimed.slots.resize(modes.len().max(outcomes.len()), Slot::Stored);
        let mut doubtful = Vec::new();
        for (index, outcome) in indexes.into_iter().zip(outcomes) {
            claimed.slots[index] = match outcome {
                ClaimOutcome::Repeat { answer } => Slot::Repeat(answer),
                ClaimOutcome::New { store: StoreRead::NotNeeded } => Slot::New,
                ClaimOutcome::New { store } => {
                    doubtful.push((index, store));
                    Slot::New
                }
                ClaimOutcome::Joined { answer, store } => {
                    claimed.joined.push((index, answer));
                    doubtful.push((index, store));
                    Slot::New
                }
                // An admitted request has neither.
                ClaimOutcome::Conflict { .. } | ClaimOutcome::Unconfirmed { .. } => {
                    self.give_back(&mut claimed).await;
                    return Err(self.undecided());
                }
            };
        }
        if doubtful.is_empty() && modes.iter().all(|mode| *mode != Mode::Settled) {
            return Ok(claimed);
        }
        let needed = doubtful.iter().any(|(_, store)| *store == StoreRead::Needed);
        let view =
            if !needed && self.store_health.is_resting() { None } else { Some(self.view(caller, submission).await) };
        match view {
            Some(Ok(view)) => self.settle_doubtful(submission, &doubtful, view, claimed).await,
            Some(Err(refusal)) if needed => {
                self.give_back(&mut claimed).await;
                Err(refusal)
            }
            // A claim joined within the gate's memory does without the store. What the gate may have forgotten with all
            // its memory is taken as it is while the gate is down: the fold removes what is double.
            _ => {
                let wanted = doubtful.iter().filter(|(_, store)| *store == StoreRead::Wanted);
                claimed.uncompared = wanted.map(|(index, _)| key_of(submission, *index)).collect();
                if !claimed.uncompared.is_empty() {
                    UNCOMPARED.handle().increment(1);
                }
                Ok(claimed)
            }
        }
    }

    async fn settle_doubtful(
        &self,
        submission: &Submission,
        doubtful: &[(usize, StoreRead)],
        view: StoreView,
        mut claimed: Claimed,
    ) -> Result<Claimed, Refusal> {
        for (index, _) in doubtful {
            match view.judge(submission, key_of(submission, *index), *index) {
                ByStore::Absent => {}
                ByStore::Same => claimed.slots[*index] = Slot::Stored,
                ByStore::Other(refusal) => {
                    self.give_back(&mut claimed).await;
                    return Err(refusal);
                }
            }
        }
        claimed.view = Some(Box::new(view));
        if let Some(wrong) = claimed.take_wrong(submission) {
            self.release(wrong).await;
        }
        Ok(claimed)
    }
}

/// The ticket without what was not compared.
pub(crate) fn compared(mut ticket: Ticket, uncompared: &[ClaimKey]) -> Ticket {
    if !uncompared.is_empty() {
        ticket.held.retain(|(key, _)| !uncompared.contains(key));
    }
    ticket
}

impl Claimed {
    /// Splits off what turned out to be stored: its claims and their units; all of it where nothing is new.
    fn take_wrong(&mut self, submission: &Submission) -> Option<Ticket> {
        if !self.any_new() {
            return self.ticket.take();
        }
        let ticket = self.ticket.as_mut()?;
        let claims = claims::of(submission).claims;
        let wrong = |key: &ClaimKey| {
            claims.iter().zip(&self.slots).any(|(claim, slot)| claim.key == *key && *slot == Slot::Stored)
        };
        let (held, rest) = std::mem::take(&mut ticket.held).into_iter().partition::<Vec<_>, _>(|(key, _)| wrong(key));
        ticket.held = rest;
        let units: u32 = claims
            .iter()
            .filter(|claim| held.iter().any(|(key, _)| *key == claim.key))
            .map(|claim| claim.units)
            .sum::<u32>()
            .min(ticket.units);
        ticket.units -= units;
        Some(Ticket {
            team: ticket.team,
            held,
            units,
            month: ticket.month,
            new_agent: None,
            admitted_at: ticket.admitted_at,
        })
    }
}
