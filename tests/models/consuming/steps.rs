//! The steps of the consuming model: which are possible in a state, and what each one does.

use stateright::{Model, Property};

use super::store::{Run, StoredRun, Write};
use super::{CONSUMERS, Consumer, Consuming, MAX_POLL_RECORDS, RUNS, State, WriteTimestamp, properties};
use crate::exhaustive::{Walk, Walked};

/// One step. The first number names a consumer, the second one of its writes, by their places in the sorted state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// The group assigns the partition to this consumer, under a new epoch.
    Assign(usize),
    /// A consumer polls up to this offset, loads and folds.
    Poll {
        consumer: usize,
        up_to: usize,
    },
    /// A write is stored and its completion is received.
    Save(usize, usize),
    /// A write is stored and its completion is not received: it will be repeated.
    SaveUnheard(usize, usize),
    /// Only a write's summary lands: only without the rule that summary and events are one batch.
    SaveHalf(usize, usize),
    /// A write of a former assignment lands, and its completion comes in.
    SaveLate(usize, usize),
    /// A write of a crashed process lands.
    SaveAdrift(usize),
    Commit(usize),
    Crash(usize),
}

impl Walk for Consuming {
    fn walked(&self) -> &Walked {
        &self.walked
    }
}

impl Model for Consuming {
    type State = State;
    type Action = Step;

    fn init_states(&self) -> Vec<State> {
        vec![State {
            consumers: Default::default(),
            epoch: 0,
            committed: 0,
            promised: 0,
            store: [StoredRun::default(); RUNS],
            adrift: Vec::new(),
            crashes: 0,
            disputed: false,
        }]
    }

    fn actions(&self, state: &State, steps: &mut Vec<Step>) {
        self.walked.one_more();
        for c in 0..CONSUMERS {
            if c > 0 && state.consumers[c - 1] == state.consumers[c] {
                continue; // what it can do, its twin can
            }
            self.steps_of(state, c, steps);
        }
        steps.extend((0..state.adrift.len()).map(Step::SaveAdrift));
    }

    fn next_state(&self, last: &State, step: Step) -> Option<State> {
        let mut state = last.clone();
        match step {
            Step::Assign(c) => {
                state.epoch += 1;
                let (epoch, from) = (state.epoch, state.committed);
                state.consumers[c].begin(epoch, from);
            }
            Step::Poll { consumer, up_to } => self.poll(&mut state, consumer, up_to),
            Step::Save(c, w) => {
                let write = state.consumers[c].writes.remove(w);
                self.land(&mut state, &write);
                self.complete(&mut state.consumers[c], write.run);
            }
            Step::SaveUnheard(c, w) => {
                let write = state.consumers[c].writes[w].clone();
                self.land(&mut state, &write);
            }
            Step::SaveHalf(c, w) => {
                let write = &state.consumers[c].writes[w];
                state.disputed |= state.store[write.run].put_summary(write);
            }
            Step::SaveLate(c, w) => {
                let write = state.consumers[c].left_behind.remove(w);
                self.land(&mut state, &write);
                if !self.rules.ledger_checks_epoch {
                    self.complete_late(&mut state.consumers[c], write.run);
                }
            }
            Step::SaveAdrift(w) => {
                let write = state.adrift.remove(w);
                self.land(&mut state, &write);
            }
            Step::Commit(c) => {
                state.committed = self.committable(&state.consumers[c]);
                state.promised = state.promised.max(state.committed);
            }
            Step::Crash(c) => {
                let dead = std::mem::take(&mut state.consumers[c]);
                state.adrift.extend(dead.writes);
                state.adrift.extend(dead.left_behind);
                state.crashes += 1;
            }
        }
        state.put_in_order();
        Some(state)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        properties::all(self.max_crashes > 0)
    }
}

impl Consuming {
    fn steps_of(&self, state: &State, c: usize, steps: &mut Vec<Step>) {
        let consumer = &state.consumers[c];
        if state.epoch < self.max_assignments {
            steps.push(Step::Assign(c));
        }
        steps.extend((0..consumer.left_behind.len()).map(|w| Step::SaveLate(c, w)));
        if consumer.epoch == 0 {
            return;
        }
        if state.crashes < self.max_crashes {
            steps.push(Step::Crash(c));
        }
        let owns = consumer.epoch == state.epoch;
        for w in 0..consumer.writes.len() {
            steps.extend([Step::Save(c, w), Step::SaveUnheard(c, w)]);
            if !self.rules.one_batch {
                steps.push(Step::SaveHalf(c, w));
            }
        }
        if self.committable(consumer) != state.committed && (owns || !self.rules.broker_fences_commits) {
            steps.push(Step::Commit(c));
        }
        if consumer.stored_below == consumer.next {
            let last = self.log.len().min(consumer.next + MAX_POLL_RECORDS);
            steps.extend((consumer.next + 1..=last).map(|up_to| Step::Poll { consumer: c, up_to }));
        }
    }

    /// Poll, load and fold. They are one step: the log below `up_to` never changes, and what matters of the load is how
    /// much later its write lands.
    fn poll(&self, state: &mut State, c: usize, up_to: usize) {
        let consumer = &mut state.consumers[c];
        let from = std::mem::replace(&mut consumer.next, up_to);
        for run in 0..RUNS {
            let offsets = (from..up_to).filter(|&offset| self.log[offset].run == run);
            let Some(highest) = offsets.clone().last() else {
                continue;
            };
            let loaded = match consumer.cached[run] {
                Some(cached) if !self.rules.load_each_poll => cached,
                _ => state.store[run].load(),
            };
            let folded = offsets.fold(loaded, |run, offset| run.fold(self.log[offset].says));
            if !self.rules.load_each_poll {
                consumer.cached[run] = Some(folded);
            }
            consumer.writes.push(Write {
                run,
                timestamp: self.timestamp(highest),
                summary: folded.summary,
                new_events: new_events(&loaded, &folded),
            });
        }
    }

    /// Never 0, which is the timestamp of a cell that was never written.
    fn timestamp(&self, highest_offset: usize) -> u8 {
        match self.rules.write_timestamp {
            WriteTimestamp::Offset => highest_offset as u8 + 1,
            WriteTimestamp::BrokerMillisecond => highest_offset as u8 / 3 + 1,
            WriteTimestamp::Arrival => 1,
        }
    }

    fn land(&self, state: &mut State, write: &Write) {
        let stored = &mut state.store[write.run];
        if self.rules.write_timestamp == WriteTimestamp::Arrival {
            stored.let_the_next_win();
        }
        let count_before = stored.count.value;
        state.disputed |= stored.put_summary(write);
        state.disputed |= stored.put_events(write);
        if !self.rules.absolute_summary {
            stored.increment_count(count_before, write);
        }
    }

    /// Marks the run's records of the poll at work in the ledger.
    fn complete(&self, consumer: &mut Consumer, run: usize) {
        let offsets = consumer.stored_below..consumer.next;
        let of_run = offsets.filter(|&offset| self.log[offset].run == run);
        consumer.stored_beyond.extend(of_run);
        consumer.stored_beyond.sort_unstable();
        while consumer.stored_beyond.first() == Some(&consumer.stored_below) {
            consumer.stored_beyond.remove(0);
            consumer.stored_below += 1;
        }
    }

    /// Takes a completion of a former assignment for the present one's: the run's write at work counts as completed,
    /// while it is still in progress.
    fn complete_late(&self, consumer: &mut Consumer, run: usize) {
        if let Some(w) = consumer.writes.iter().position(|write| write.run == run) {
            let write = consumer.writes.remove(w);
            consumer.left_behind.push(write);
            self.complete(consumer, run);
        }
    }

    /// The offset that this consumer's ledger would commit.
    fn committable(&self, consumer: &Consumer) -> usize {
        if !self.rules.write_before_commit {
            return consumer.next;
        }
        match consumer.stored_beyond.last() {
            Some(highest) if !self.rules.commit_contiguous => highest + 1,
            _ => consumer.stored_below,
        }
    }
}

/// The contents of the events that `folded` has and `loaded` had not; 0 elsewhere.
fn new_events(loaded: &Run, folded: &Run) -> [u8; super::store::EVENTS] {
    let mut new = folded.events;
    for (new, &known) in new.iter_mut().zip(&loaded.events) {
        if known != 0 {
            *new = 0;
        }
    }
    new
}

impl Consumer {
    /// Starts an assignment, or none. What was in progress stays in progress.
    fn begin(&mut self, epoch: u8, from: usize) {
        self.epoch = epoch;
        self.stored_below = from;
        self.stored_beyond.clear();
        self.next = from;
        self.left_behind.append(&mut self.writes);
    }
}

impl State {
    /// States that differ only in the order of things without an order are one state.
    fn put_in_order(&mut self) {
        for consumer in &mut self.consumers {
            consumer.writes.sort();
            in_order_once(&mut consumer.left_behind);
        }
        in_order_once(&mut self.adrift);
        self.consumers.sort();
    }
}

/// The same write twice in progress is as good as once: it may also land unheard.
fn in_order_once(writes: &mut Vec<Write>) {
    writes.sort();
    writes.dedup();
}
