//! What the store says about claimed ids: the exact answer where the gate cannot know.

use tidegate_agentping::run::Run;
use tidegate_agentping::{Body, EventId, RunId};

use crate::answers::{Closed, Opened};
use crate::per_claim::ClaimName;
use crate::refusal::Refusal;
use crate::submission::Submission;
use crate::{claims, conflicts};

/// What is stored under the ids of one request.
#[derive(Debug, Default)]
pub struct StoreView {
    pub run: Option<Run>,
    /// Each stored event with the run it is stored under and its content.
    pub events: Vec<(EventId, RunId, u64)>,
}

/// What the store says of one claim.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ByStore {
    Absent,
    /// Stored with the same content.
    Same,
    /// Stored with other content.
    Other(Refusal),
}

impl StoreView {
    /// Judges one claim of a request.
    pub fn judge(&self, submission: &Submission, name: ClaimName) -> ByStore {
        match name {
            ClaimName::Opening => self.judge_start(submission),
            ClaimName::Closing => match self.closed() {
                Some(_) => ByStore::Same,
                None => ByStore::Absent,
            },
            ClaimName::Event(index) => self.judge_event(submission, index),
        }
    }

    fn judge_start(&self, submission: &Submission) -> ByStore {
        let Some(opening) = self.run.as_ref().and_then(Run::opening) else { return ByStore::Absent };
        let given = claims::given_start(&submission.body).filter(|_| opening.started_at_given);
        let stored = (&opening.start.agent, opening.start.started_at);
        if let Some(refusal) = conflicts::with_start(submission, stored, given) {
            return ByStore::Other(refusal);
        }
        ByStore::Same
    }

    fn judge_event(&self, submission: &Submission, index: usize) -> ByStore {
        let sent = match &submission.body {
            Body::Events(events) => events.get(index),
            _ => None,
        };
        let stored = |id: EventId| self.events.iter().find(|(stored, ..)| *stored == id);
        let Some((event, (_, run, content))) = sent.and_then(|event| Some((event, stored(event.id)?))) else {
            return ByStore::Absent;
        };
        let same = *run == submission.run && event.says(*content);
        if same { ByStore::Same } else { ByStore::Other(Refusal::EventConflict { index }) }
    }

    pub fn opened(&self) -> Option<Opened> {
        self.run.as_ref().and_then(Opened::stored)
    }

    pub fn closed(&self) -> Option<Closed> {
        self.run.as_ref().and_then(Closed::stored)
    }
}
