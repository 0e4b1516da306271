//! What the store says about claimed ids: the exact answer where the gate cannot know.

use std::time::Duration;

use tidegate_agentping::run::Run;
use tidegate_agentping::{Body, EventId, RunId, RunKey, Slug};
use tidegate_agentping_ports::{ClaimKey, RunWanted};
use tidegate_kernel::Timestamp;
use tidegate_ports::{FailureCause, StoreError};
use tokio::time::Instant;

use crate::admission::Admission;
use crate::answers::{Closed, Opened};
use crate::claims;
use crate::refusal::{Refusal, StartField};
use crate::submission::Submission;

/// What is stored under the ids of one request.
#[derive(Debug, Default)]
pub struct StoreView {
    pub run: Option<Run>,
    /// Each stored event with the run it is stored under and its content.
    pub events: Vec<(EventId, RunId, u64)>,
}

/// How one claim stands by what is stored.
#[derive(Debug, PartialEq, Eq)]
pub enum ByStore {
    Absent,
    /// Stored with the same content.
    Same,
    /// Stored with other content.
    Other(Refusal),
}

impl StoreView {
    /// Judges the claim number `index` of a request.
    pub fn judge(&self, submission: &Submission, key: ClaimKey, index: usize) -> ByStore {
        match key {
            ClaimKey::Start(_) => self.judge_start(submission),
            ClaimKey::Finish(_) => match self.closed() {
                Some(_) => ByStore::Same,
                None => ByStore::Absent,
            },
            ClaimKey::Event(id) => self.judge_event(submission, id, index),
        }
    }

    fn judge_start(&self, submission: &Submission) -> ByStore {
        let Some(opening) = self.run.as_ref().and_then(Run::opening) else { return ByStore::Absent };
        let given = claims::given_start(&submission.body).filter(|_| opening.started_at_given);
        let stored = (&opening.start.agent, opening.start.started_at);
        if let Some(refusal) = start_conflict(submission, stored, given) {
            return ByStore::Other(refusal);
        }
        ByStore::Same
    }

    fn judge_event(&self, submission: &Submission, id: EventId, index: usize) -> ByStore {
        let Some((_, run, content)) = self.events.iter().find(|(stored, ..)| *stored == id) else {
            return ByStore::Absent;
        };
        let sent = match &submission.body {
            Body::Events(events) => events.get(index),
            _ => None,
        };
        let same = *run == submission.run && sent.is_some_and(|event| event.says(*content));
        if same { ByStore::Same } else { ByStore::Other(Refusal::EventConflict { index }) }
    }

    pub fn opened(&self) -> Option<Opened> {
        self.run.as_ref().and_then(Opened::stored)
    }

    pub fn closed(&self) -> Option<Closed> {
        self.run.as_ref().and_then(Closed::stored)
    }
}

/// The refusal, if a start of the submission contradicts the stored one. `given` is the start time to compare.
pub fn start_conflict(
    submission: &Submission,
    (stored_agent, stored_started_at): (&Slug, Timestamp),
    given: Option<Timestamp>,
) -> Option<Refusal> {
    let supplied = claims::agent(&submission.body).filter(|supplied| !supplied.is_same_agent(stored_agent));
    let field = match (supplied, given.filter(|given| *given != stored_started_at)) {
        (Some(supplied), _) => StartField::Agent { supplied: supplied.clone() },
        (None, Some(supplied)) => StartField::StartedAt { supplied },
        (None, None) => return None,
    };
    Some(Refusal::StartConflict { run: submission.run, stored_agent: stored_agent.clone(), stored_started_at, field })
}

impl Admission {
    /// Reads what is stored under the request's ids, within `within_ms`.
    pub(crate) async fn read_store(&self, key: RunKey, body: &Body, within_ms: u64) -> Result<StoreView, StoreError> {
        let read = async {
            match body {
                Body::Events(events) => {
                    let ids: Vec<EventId> = events.iter().map(|event| event.id).collect();
                    let events = self.ports.stored.event_owners(key.team, &ids).await?;
                    Ok(StoreView { run: None, events })
                }
                _ => {
                    let stored = self.ports.stored.stored(RunWanted { key, events: Vec::new() }).await?;
                    Ok(StoreView { run: stored.run, events: Vec::new() })
                }
            }
        };
        let late = |_| Err(StoreError::Unavailable(FailureCause::timeout(format!("no answer within {within_ms} ms"))));
        let (began, deadline) = (Instant::now(), Duration::from_millis(within_ms));
        let answer = tokio::time::timeout(deadline, read).await.unwrap_or_else(late);
        answer.inspect_err(|_| self.store_health.failed(began, deadline))
    }
}
