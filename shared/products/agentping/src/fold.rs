//! The fold: computes a run from its records.
//!
//! The fold is total: records in any order, with any repetition, give the same run, as long as they do not contradict
//! each other. Where they do, the first in log order wins and the run gets its conflict flag.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use tidegate_kernel::{Month, Timestamp};

use crate::EventId;
use crate::record::{Body, Event, Finish, Heartbeat, Record, Start};
use crate::run::{Closing, Opening, Reported, Run};

/// A run's current state, with the events that the fold needs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RunState {
    pub run: Run,
    /// Content hashes of stored events: at least of those that the records to be folded contain.
    pub known_events: HashMap<EventId, u64>,
}

/// The outcome of folding one record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// The record added something.
    Applied,
    /// The record's whole content was there already.
    Duplicate,
    /// The record added nothing, and part of it contradicted the run.
    Conflict,
}

/// The changes by one record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    pub outcome: Outcome,
    /// Events that are new, in the order sent.
    pub new_events: Vec<Event>,
}

impl RunState {
    /// Folds one record into the run.
    pub fn apply(&mut self, record: Record) -> Change {
        let at = record.received_at;
        self.run.last_received = self.run.last_received.max(at);
        match record.body {
            Body::Start(start) => self.open(Opening::of_start(start, at)),
            Body::Events(events) => self.append(events, at),
            Body::Finish(finish) => self.finish(finish, at),
            Body::Heartbeat(heartbeat) if heartbeat.status.finish().is_none() => {
                self.open(Opening::of_heartbeat(heartbeat, at))
            }
            Body::Heartbeat(heartbeat) => self.open_and_close(heartbeat, at),
        }
    }

    fn open(&mut self, opening: Opening) -> Change {
        let at = opening.received_at;
        if self.contradicts(&opening) {
            return self.conflict();
        }
        self.run.last_activity = self.run.last_activity.max(at);
        if let Some(start) = &self.run.start {
            // A replay, and a retry that joined the first, have its time of receipt.
            if at > start.received_at {
                self.run.alive_at = self.run.alive_at.max(Some(at));
            }
            return Change::nothing(Outcome::Duplicate);
        }
        self.run.start = Some(opening);
        self.count(at, 1);
        Change::nothing(Outcome::Applied)
    }

    fn append(&mut self, events: Vec<Event>, at: Timestamp) -> Change {
        let mut conflicting = false;
        let mut new_events = Vec::with_capacity(events.len());
        self.known_events.reserve(events.len());
        if events.iter().any(Event::is_alive) {
            self.run.alive_at = self.run.alive_at.max(Some(at));
        }
        for event in events {
            match self.known_events.entry(event.id) {
                Entry::Occupied(known) => conflicting |= !event.says(*known.get()),
                Entry::Vacant(place) => {
                    place.insert(event.content_hash);
                    self.run.events += 1;
                    self.run.errored |= event.errored;
                    if let Some(call) = &event.call {
                        self.run.events_cost = self.run.events_cost.plus(call.cost);
                    }
                    new_events.push(event);
                }
            }
        }
        self.run.last_activity = self.run.last_activity.max(at);
        self.run.conflicted |= conflicting;
        self.count(at, new_events.len() as u64);
        let outcome = match (new_events.is_empty(), conflicting) {
            (false, _) => Outcome::Applied,
            (true, true) => Outcome::Conflict,
            (true, false) => Outcome::Duplicate,
        };
        Change { outcome, new_events }
    }

    fn finish(&mut self, finish: Finish, at: Timestamp) -> Change {
        if let Some(closing) = &mut self.run.finish {
            closing.count_repeat(finish.status, at);
            return Change::nothing(Outcome::Duplicate);
        }
        self.run.finish = Some(Closing {
            status: finish.status,
            finished_at: finish.finished_at,
            received_at: at,
            scores: finish.scores,
            metadata: finish.metadata,
            reported: Reported { output: finish.output, ..Reported::default() },
            repeats: None,
        });
        self.count(at, 1);
        Change::nothing(Outcome::Applied)
    }

    /// A closing heartbeat is a start and a finish in one record, and counts once.
    fn open_and_close(&mut self, heartbeat: Heartbeat, at: Timestamp) -> Change {
        let Some(closing) = Closing::of_heartbeat(&heartbeat, at) else {
            return Change::nothing(Outcome::Duplicate);
        };
        let opening = Opening::implied_by(heartbeat, at);
        if self.contradicts(&opening) {
            return self.conflict();
        }
        let adds = self.run.implied.is_none() && self.run.start.is_none() || self.run.finish.is_none();
        if self.run.implied.is_none() {
            self.run.implied = Some(opening);
        }
        match &mut self.run.finish {
            Some(stored) => stored.count_repeat(closing.status, at),
            finish => *finish = Some(closing),
        }
        if !adds {
            return Change::nothing(Outcome::Duplicate);
        }
        self.count(at, 1);
        Change::nothing(Outcome::Applied)
    }

    /// Runs conflict on two members only, `agent` and `started_at`, and the second counts only where both sides
    /// were given one (AgentPing: runs, heartbeats). Both openings count: a record that contradicts the implied one
    /// still does so after a start without a time, however often that start is delivered.
    fn contradicts(&self, incoming: &Opening) -> bool {
        [&self.run.start, &self.run.implied].into_iter().flatten().any(|stored| {
            let other_agent = !stored.start.agent.is_same_agent(&incoming.start.agent);
            let both_given = stored.started_at_given && incoming.started_at_given;
            other_agent || both_given && stored.start.started_at != incoming.start.started_at
        })
    }

    fn conflict(&mut self) -> Change {
        self.run.conflicted = true;
        Change::nothing(Outcome::Conflict)
    }

    fn count(&mut self, at: Timestamp, units: u64) {
        if units == 0 {
            return;
        }
        let month = Month::of(at);
        match self.run.units.binary_search_by_key(&month, |(counted, _)| *counted) {
            Ok(found) => self.run.units[found].1 += units,
            Err(place) => self.run.units.insert(place, (month, units)),
        }
    }
}

impl Change {
    const fn nothing(outcome: Outcome) -> Self {
        Change { outcome, new_events: Vec::new() }
    }
}

impl Opening {
    fn of_start(start: Start, received_at: Timestamp) -> Self {
        Opening { start, started_at_given: true, received_at, reported: Reported::default() }
    }

    /// Applies a `start` heartbeat, which is a full opening.
    fn of_heartbeat(heartbeat: Heartbeat, received_at: Timestamp) -> Self {
        let reported = Reported {
            output: heartbeat.output.clone(),
            cost: heartbeat.cost,
            duration_ms: heartbeat.duration_ms,
            input_tokens: heartbeat.input_tokens,
            output_tokens: heartbeat.output_tokens,
        };
        let metadata = heartbeat.metadata.clone();
        let implied = Opening::implied_by(heartbeat, received_at);
        Opening { start: Start { metadata, ..implied.start }, reported, ..implied }
    }

    /// Applies the opening of a closing heartbeat. Its reported figures belong to the closing.
    fn implied_by(heartbeat: Heartbeat, received_at: Timestamp) -> Self {
        Opening {
            started_at_given: heartbeat.started_at.is_some(),
            start: Start {
                agent: heartbeat.agent,
                started_at: heartbeat.started_at.unwrap_or(received_at),
                customer_id: heartbeat.customer_id,
                feature: heartbeat.feature,
                metadata: None,
                parent_run_id: None,
                goal: None,
                idle: None,
            },
            received_at,
            reported: Reported::default(),
        }
    }
}

impl Closing {
    fn of_heartbeat(heartbeat: &Heartbeat, received_at: Timestamp) -> Option<Self> {
        Some(Closing {
            status: heartbeat.status.finish()?,
            finished_at: heartbeat.finished_at.unwrap_or(received_at),
            received_at,
            scores: None,
            metadata: heartbeat.metadata.clone(),
            reported: Reported {
                output: heartbeat.output.clone(),
                cost: heartbeat.cost,
                duration_ms: heartbeat.duration_ms,
                input_tokens: heartbeat.input_tokens,
                output_tokens: heartbeat.output_tokens,
            },
            repeats: None,
        })
    }
}
