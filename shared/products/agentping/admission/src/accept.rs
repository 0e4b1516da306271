//! Taking a request in: scope, claims, append, answer.

use std::time::Duration;

use bytes::Bytes;
use tidegate_agentping::{Body, Record, RunKey};
use tidegate_agentping_ports::{Ask, Ticket, Verdict};
use tidegate_kernel::Position;
use tidegate_ports::{AppendError, FailureCause};

use crate::admission::Admission;
use crate::claiming::{Claimed, Slot};
use crate::known::{Ends, with_stored};
use crate::metrics::IDS_REUSED;
use crate::refusal::Refusal;
use crate::shed::Class;
use crate::submission::{Acceptance, Caller, Submission};
use crate::{claims, comparing, joining, scope};

impl Admission {
    /// Takes a request in: returns once every record of it is safe on the log, or was before. Run it to its end even
    /// if the client leaves, so that claims are confirmed or released.
    ///
    /// # Errors
    /// Every [`Refusal`] but those of authentication and shedding. A refusal leaves nothing behind, except
    /// [`Refusal::OutcomeUnknown`].
    pub async fn accept(&self, caller: &Caller, submission: Submission) -> Result<Acceptance, Refusal> {
        if let Err(refusal) = scope::check(&caller.scope, &submission.body) {
            self.charge(caller).await?;
            return Err(refusal);
        }
        let key = RunKey { team: caller.team, run: submission.run };
        self.shed_partition(key, Class::of(&submission.body))?;
        let mut claimed = self.claim(caller, &submission).await?;
        let submission = joining::as_remembered(submission, &claimed);
        let fresh = claimed.any_new();
        let ends = Ends::of(&submission, &claimed);
        let repeat = if fresh { None } else { ends.repeated_by(&submission) };
        let reuses = repeat.is_some_and(|repeat| repeat.is_reuse(submission.received_at));
        if reuses {
            IDS_REUSED.handle().increment(1);
        }
        let appends = fresh || touches(&submission, &ends) || reuses;
        if fresh && lone_opening(&submission, &claimed) {
            // Seldom, so it has no room in the future of every request; the same goes for the store's word below.
            Box::pin(self.count_lone_opening(caller, &mut claimed)).await;
        }
        let repeated_finish = ends.closed_before && ends.closed.as_ref().is_some_and(|closed| !closed.by_heartbeat);
        let mut known = ends.known();
        if repeated_finish && claims::closed(&submission).is_some() {
            known = Box::pin(self.round_off(caller, &submission, &mut claimed, known)).await;
        }
        let (events_accepted, events_duplicate) = counts(&submission.body, &claimed.slots);
        let position = if appends { Some(self.append(caller, submission, claimed).await?) } else { None };
        Ok(Acceptance { fresh, position, events_accepted, events_duplicate, repeat, run: known })
    }

    /// A heartbeat that closes costs its unit by the closing. Where a finish came before and only the opening is new,
    /// the record still counts once.
    async fn count_lone_opening(&self, caller: &Caller, claimed: &mut Claimed) {
        let Some(held) = claimed.ticket.as_mut() else { return };
        let ask = || Ask {
            team: caller.team,
            limits: caller.plan.limits(),
            now: self.ports.clock.now(),
            steady: self.ports.clock.steady(),
            applied_to: None,
            charge_rate: false,
            agent: None,
            claims: Vec::new(),
            peeks: Vec::new(),
            unclaimed_units: 1,
        };
        if let Some(Verdict::Admitted { ticket, .. }) = self.ask_gate(caller.team, ask).await {
            held.units += ticket.units;
            held.month = ticket.month;
        }
    }

    /// A repeated finish may say what the run cost: best effort, with a short deadline.
    async fn round_off(
        &self,
        caller: &Caller,
        submission: &Submission,
        claimed: &mut Claimed,
        known: crate::KnownRun,
    ) -> crate::KnownRun {
        if claimed.view.is_none() {
            let key = RunKey { team: caller.team, run: submission.run };
            let read = self.read_store(key, &submission.body, self.config.timeouts.store_extra_ms).await;
            claimed.view = read.ok().map(Box::new);
        }
        match &claimed.view {
            Some(view) => with_stored(known, view),
            None => known,
        }
    }

    /// Appends what is new of the request as one record, then confirms or releases its claims.
    async fn append(&self, caller: &Caller, submission: Submission, claimed: Claimed) -> Result<Position, Refusal> {
        let Claimed { slots, ticket, uncompared, asked_at, .. } = claimed;
        let timeouts = &self.config.timeouts;
        let key = RunKey { team: caller.team, run: submission.run };
        let record = Record::new(key, submission.received_at, only_new(submission.body, &slots)).encode();
        // Whoever is this late may meet a claim that was taken over meanwhile.
        if asked_at.elapsed() > Duration::from_millis(timeouts.send_within_ms) {
            self.release_held(ticket).await;
            return Err(Refusal::LogUnavailable { retry_after_s: self.log_failed() });
        }
        #[cfg(feature = "fail-points")]
        fail::fail_point!("admission::between_claim_and_append", |_| std::process::abort());
        let key = key.log_key();
        let accounted = self.shed_gauge.accounted(self.ports.append.partition_of(key));
        let appending = self.ports.append.append(key, Bytes::from(record));
        let appended = tokio::time::timeout(Duration::from_millis(timeouts.append_ms), appending).await;
        let late =
            |_| Err(AppendError::Unknown(FailureCause::timeout(format!("no answer within {} ms", timeouts.append_ms))));
        match appended.unwrap_or_else(late) {
            // The claim stays as it is: once there is another log, a retry joins it.
            Ok(position) if !self.will_be_applied(position, accounted) => {
                Err(Refusal::OutcomeUnknown { retry_after_s: self.log_failed() })
            }
            Ok(position) => {
                self.log_outage.over();
                self.appends.succeeded();
                #[cfg(feature = "fail-points")]
                fail::fail_point!("admission::between_append_and_confirm", |_| std::process::abort());
                if let Some(ticket) = ticket {
                    self.confirm(comparing::compared(ticket, &uncompared)).await;
                }
                Ok(position)
            }
            Err(AppendError::NotPersisted(cause)) => {
                tracing::warn!(kind = %cause.kind(), cause = cause.as_str(), "the log did not take a record");
                self.appends.failed(self.ports.clock.now(), &cause);
                self.release_held(ticket).await;
                Err(Refusal::LogUnavailable { retry_after_s: self.log_failed() })
            }
            Err(AppendError::TooLarge { bytes, cap }) => {
                self.release_held(ticket).await;
                Err(Refusal::RecordTooLarge { bytes, cap })
            }
            // The claim stays as it is: a retry joins it.
            Err(AppendError::Unknown(cause)) => {
                tracing::warn!(kind = %cause.kind(), cause = cause.as_str(), "the fate of a record is unknown");
                self.appends.failed(self.ports.clock.now(), &cause);
                Err(Refusal::OutcomeUnknown { retry_after_s: self.log_failed() })
            }
        }
    }

    /// The seconds after which to send to the log again.
    fn log_failed(&self) -> u64 {
        self.log_outage.failed(self.ports.clock.now())
    }

    async fn release_held(&self, ticket: Option<Ticket>) {
        if let Some(ticket) = ticket {
            self.release(ticket).await;
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

/// Whether all that is new of a closing heartbeat is its opening.
fn lone_opening(submission: &Submission, claimed: &Claimed) -> bool {
    matches!(claimed.slots.as_slice(), [Slot::New, Slot::Repeat(_) | Slot::Stored])
        && matches!(submission.body, Body::Heartbeat(_))
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
