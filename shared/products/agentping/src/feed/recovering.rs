//! Rows that a store has lost while the run went on: made of the record and the run as it stands now.

use super::row::{Arrival, Did, FeedRow, is_unpriced, unpriced_of};
use crate::record::{Body, Record};
use crate::{Event, Run};

impl FeedRow {
    /// The row of a record that was folded into `run` before, as far as both still say it: see
    /// [`recovered`](FeedRow::recovered). `None` if it had none, for all that is known.
    pub fn recover(record: &Record, run: &Run, arrival: Arrival) -> Option<Self> {
        let opening = run.opening()?;
        let (at, events) = (record.received_at, events_of(&record.body));
        let opened =
            record.body.opens() && [&run.start, &run.implied].into_iter().flatten().any(|one| one.received_at == at);
        let closed = is_closing(&record.body) && run.finish.as_ref().is_some_and(|finish| finish.received_at == at);
        let did = Did {
            opened,
            ended: run.finish.is_some() && (opened || closed),
            reopened: false,
            alive: run.alive_at == Some(at) || events.iter().any(Event::is_alive),
            after_end: !events.is_empty() && run.finish.is_some(),
        };
        let changes =
            !events.is_empty() && run.idle_deadline().is_some() || events.iter().any(|event| event.call.is_some());
        if did == Did::default() && !changes {
            return None;
        }
        let row = FeedRow::of(record.key(), at, arrival, run, opening);
        let unpriced = if events.iter().any(is_unpriced) { unpriced_of(events) } else { Vec::new() };
        Some(FeedRow { did, recovered: true, cost_before: row.cost, unpriced, ..row })
    }
}

fn events_of(body: &Body) -> &[Event] {
    match body {
        Body::Events(events) => events,
        Body::Start(_) | Body::Finish(_) | Body::Heartbeat(_) => &[],
    }
}

const fn is_closing(body: &Body) -> bool {
    match body {
        Body::Finish(_) => true,
        Body::Heartbeat(heartbeat) => heartbeat.status.finish().is_some(),
        Body::Start(_) | Body::Events(_) => false,
    }
}
