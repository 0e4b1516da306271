//! Taking a request in: scope, claims, append, answer.

use std::sync::Arc;

use tidegate_agentping::{Body, Record, RunKey, Slug};
use tidegate_shedding::Shedding;

use crate::appending::{Appending, Hold};
use crate::claimed::{Claimed, Slot};
use crate::claiming::Claiming;
use crate::class::Class;
use crate::known::{Ends, with_stored};
use crate::limiting::Limiting;
use crate::metrics::IDS_REUSED;
use crate::per_claim::PerClaim;
use crate::refusal::Refusal;
use crate::store_access::StoreAccess;
use crate::submission::{Acceptance, Caller, KnownRun, Submission};
use crate::{claims, joining, naming, scope};

/// The steps of taking a request in.
pub(crate) struct Accepting {
    pub limiting: Arc<Limiting>,
    pub shedding: Arc<Shedding<Class>>,
    pub claiming: Claiming,
    pub store: Arc<StoreAccess>,
    pub appending: Appending,
}

impl Accepting {
    /// Takes a request in: returns once its record is safe on the log, or was before.
    ///
    /// # Errors
    /// Every [`Refusal`] but those of authentication and of shedding for the whole log.
    pub async fn accept(&self, caller: &Caller, submission: Submission) -> Result<Acceptance, Refusal> {
        match caller.names.is_empty() {
            true => self.take_in(caller, submission).await,
            // Few teams rename agents, so it takes no room in the future of every request.
            false => Box::pin(self.accept_named(caller, submission)).await,
        }
    }

    /// The same for a team that has renamed agents.
    async fn accept_named(&self, caller: &Caller, submission: Submission) -> Result<Acceptance, Refusal> {
        let names = &*caller.names;
        let taken = match claims::agent(&submission.body).cloned() {
            None => self.take_in(caller, submission).await,
            Some(sent) => {
                let submission = naming::keyed(caller, submission);
                // Only a name that an agent had before may be meant for the run of that agent.
                let again = names.was_left(&sent).then(|| submission.clone());
                match (self.take_in(caller, submission).await, again) {
                    (Err(refusal), Some(again)) => match self.opened_as(caller, &sent, &again, &refusal).await {
                        Some(key) => self.take_in(caller, naming::of_agent(again, key)).await,
                        None => Err(refusal),
                    },
                    (taken, _) => taken,
                }
            }
        };
        match taken {
            Ok(acceptance) => Ok(naming::named(names, acceptance)),
            Err(refusal) => Err(naming::named_refusal(names, refusal)),
        }
    }

    /// The key of the run's agent, if the request was refused only because that agent was renamed since the run was opened.
    async fn opened_as(&self, caller: &Caller, sent: &Slug, again: &Submission, refusal: &Refusal) -> Option<Slug> {
        let names = &*caller.names;
        let Refusal::AgentCap { .. } = refusal else { return naming::opened_as(names, sent, refusal) };
        // Under the old name there is no slot for another agent, and none is needed if the run is there.
        let stored = self.store.view_at_once(caller, again).await?.run?;
        let key = stored.opening()?.start.agent.clone();
        names.is_known_as(&key, sent).then_some(key)
    }

    async fn take_in(&self, caller: &Caller, submission: Submission) -> Result<Acceptance, Refusal> {
        if let Err(refusal) = scope::check(caller, &submission.body) {
            self.limiting.charge(caller).await?;
            return Err(refusal);
        }
        let key = RunKey { team: caller.team, run: submission.run };
        self.shedding.shed_partition(|| key.log_key(), Class::of(&submission.body))?;
        let mut claimed = self.claiming.claim(caller, &submission).await?;
        let submission = joining::as_remembered(submission, &claimed);
        let fresh = claimed.any_new();
        let ends = Ends::of(&submission, &claimed);
        let repeat = if fresh { None } else { ends.repeated_by(&submission) };
        let reuses = repeat.is_some_and(|repeat| repeat.is_reuse(submission.received_at));
        if reuses {
            IDS_REUSED.handle().increment(1);
        }
        let appends = fresh || touches(&submission, &ends) || reuses;
        if let Some(ticket) = claimed.ticket.as_mut().filter(|_| fresh && lone_opening(&claimed.slots)) {
            // A heartbeat that closes costs its unit by the closing. Where a finish came before and only the opening is
            // new, the record still counts once. Rarely, so it takes no room in the future of every request; the same
            // goes for the read of the store below.
            Box::pin(self.limiting.count_unit(caller, ticket)).await;
        }
        let repeated_finish = ends.closed_before && ends.closed.as_ref().is_some_and(|closed| !closed.by_heartbeat);
        let mut known = ends.known();
        if repeated_finish && claims::closed(&submission).is_some() {
            known = Box::pin(self.fill_in(caller, &submission, &mut claimed, known)).await;
        }
        let (events_accepted, events_duplicate) = counts(&submission.body, &claimed.slots.events);
        let position = match appends {
            true => {
                let Claimed { slots, ticket, uncompared, asked_at, .. } = claimed;
                let record =
                    Record::new(key, submission.received_at, only_new(submission.body, &slots.events)).encode();
                let hold = Hold { ticket, uncompared, asked_at };
                Some(self.appending.append(key.log_key(), record, hold).await?)
            }
            false => None,
        };
        Ok(Acceptance { fresh, position, events_accepted, events_duplicate, repeat, run: known })
    }

    /// Fills in what the run cost, for the answer to a repeated finish: if the store says so at once.
    async fn fill_in(
        &self,
        caller: &Caller,
        submission: &Submission,
        claimed: &mut Claimed,
        known: KnownRun,
    ) -> KnownRun {
        if claimed.view.is_none() {
            claimed.view = self.store.view_at_once(caller, submission).await.map(Box::new);
        }
        match &claimed.view {
            Some(view) => with_stored(known, view),
            None => known,
        }
    }
}

/// Whether a repeated opening goes on the log again: where the run has an idle rule and is open, a repeated start is
/// activity (AgentPing: idle timeout).
fn touches(submission: &Submission, ends: &Ends) -> bool {
    let opens = claims::opened(submission).filter(|_| claims::closed(submission).is_none());
    let (Some(sent), Some(stored)) = (opens, ends.opened.as_ref()) else { return false };
    (stored.idle || sent.idle) && ends.closed.is_none()
}

/// Whether a request opens and closes its run (a closing heartbeat does), and only the opening is new.
fn lone_opening(slots: &PerClaim<Slot>) -> bool {
    matches!((&slots.opening, &slots.closing), (Some(Slot::New), Some(Slot::Repeat(_) | Slot::Stored)))
}

/// A batch without the events that were there before; any other body as it is.
fn only_new(body: Body, slots: &[Slot]) -> Body {
    match body {
        Body::Events(events) if slots.iter().any(|slot| *slot != Slot::New) => {
            let new = events.into_iter().zip(slots).filter(|(_, slot)| **slot == Slot::New).map(|(event, _)| event);
            Body::Events(new.collect())
        }
        body => body,
    }
}

/// Events that are new, and events that were there before.
fn counts(body: &Body, slots: &[Slot]) -> (u32, u32) {
    let Body::Events(events) = body else { return (0, 0) };
    let count = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
    let duplicate = slots.iter().filter(|slot| **slot != Slot::New).count();
    (count(events.len() - duplicate), count(duplicate))
}
