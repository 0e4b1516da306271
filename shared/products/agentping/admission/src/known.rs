//! What the answer to one request can say of its run, by the request, the gate's memory and, where it was read, the
//! store.

use bytes::Bytes;
use tidegate_agentping::{Body, RunStatus};

use crate::answers::{Closed, Opened};
use crate::claimed::{Claimed, Slot};
use crate::claims;
use crate::store_view::StoreView;
use crate::submission::{KnownRun, Repeat, Submission};

/// Both ends of a run, as far as known.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ends {
    pub opened: Option<Opened>,
    pub closed: Option<Closed>,
    /// The closing was there before this request.
    pub closed_before: bool,
}

impl Ends {
    /// Of the run that a request is about.
    pub(crate) fn of(submission: &Submission, claimed: &Claimed) -> Self {
        let view = claimed.view.as_ref();
        let (slots, read) = (&claimed.slots, &claimed.remembered);
        match &submission.body {
            Body::Events(_) => Ends::default(),
            Body::Finish(_) => Ends {
                opened: remembered(read.opening.as_ref(), Opened::decode).or_else(|| view?.opened()),
                closed: end(&slots.closing, || claims::closed(submission), Closed::decode, || view?.closed()),
                closed_before: is_repeated(&slots.closing),
            },
            Body::Start(_) | Body::Heartbeat(_) => {
                let opened = end(&slots.opening, || claims::opened(submission), Opened::decode, || view?.opened());
                let own = claims::closed(submission);
                if own.is_none() {
                    let closed = remembered(read.closing.as_ref(), Closed::decode).or_else(|| view?.closed());
                    return Ends { opened, closed_before: closed.is_some(), closed };
                }
                let closed = end(&slots.closing, || own, Closed::decode, || view?.closed());
                Ends { opened, closed, closed_before: is_repeated(&slots.closing) }
            }
        }
    }

    /// What a request repeats that has nothing new.
    pub(crate) fn repeated_by(&self, submission: &Submission) -> Option<Repeat> {
        match claims::closed(submission) {
            Some(own) => self.closed.as_ref().map(|stored| Repeat {
                first_received_at: stored.received_at,
                stands_as: (own.status != stored.status).then_some(stored.status),
                closes: true,
            }),
            None => self.opened.as_ref().map(|stored| Repeat {
                first_received_at: stored.received_at,
                stands_as: None,
                closes: false,
            }),
        }
    }

    /// The answer. A closing heartbeat's duration is the one it gave, else the gap from the run's start to its end.
    pub fn known(self) -> KnownRun {
        let (opened, closed) = (self.opened, self.closed);
        // Unknown where the end lies before the start.
        let gap = || closed.as_ref()?.finished_at.millis_from(opened.as_ref()?.started_at);
        let given = closed.as_ref().and_then(|closed| closed.duration_ms);
        KnownRun {
            duration_ms: given.or_else(gap),
            status: closed.as_ref().map_or(RunStatus::Running, |closed| closed.status.into()),
            finished_at: closed.as_ref().map(|closed| closed.finished_at),
            cost: closed.and_then(|closed| closed.cost).or(opened.as_ref().and_then(|opened| opened.cost)),
            started_at: opened.as_ref().map(|opened| opened.started_at),
            received_at: opened.as_ref().map(|opened| opened.received_at),
            agent: opened.map(|opened| opened.agent),
        }
    }
}

/// Fills in the answer to a repeated finish with what only the store knows: the cost, and the run's opening.
pub fn with_stored(mut known: KnownRun, view: &StoreView) -> KnownRun {
    let Some(run) = view.run.as_ref().filter(|run| run.finish.is_some()) else { return known };
    known.cost = Some(run.cost());
    if let Some(opened) = view.opened() {
        known.agent.get_or_insert(opened.agent);
        known.started_at.get_or_insert(opened.started_at);
        known.received_at.get_or_insert(opened.received_at);
    }
    if let (None, Some(started_at), Some(finished_at)) = (known.duration_ms, known.started_at, known.finished_at) {
        known.duration_ms = finished_at.millis_from(started_at);
    }
    known
}

fn remembered<T>(bytes: Option<&Bytes>, decode: impl Fn(&[u8]) -> Option<T>) -> Option<T> {
    bytes.and_then(|bytes| decode(bytes))
}

/// One end of the run, by the slot of its claim; an end without a claim is the request's own.
fn end<T>(
    slot: &Option<Slot>,
    own: impl FnOnce() -> Option<T>,
    decode: impl Fn(&[u8]) -> Option<T>,
    stored: impl FnOnce() -> Option<T>,
) -> Option<T> {
    match slot {
        None | Some(Slot::New) => own(),
        Some(Slot::Repeat(answer)) => decode(answer).or_else(stored),
        Some(Slot::Stored) => stored(),
    }
}

const fn is_repeated(slot: &Option<Slot>) -> bool {
    matches!(slot, Some(Slot::Repeat(_) | Slot::Stored))
}
