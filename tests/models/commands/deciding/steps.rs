//! The steps of the deciding model.

use stateright::{Model, Property};

use super::{Deciding, State, properties};
use crate::commands::decide::Task;
use crate::commands::partition::{self, Partition};
use crate::exhaustive::{Walk, Walked};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// The group assigns the partition to this consumer.
    Assign(usize),
    /// The group is reset, and assigns the partition to this consumer from the start of the log.
    AssignFromStart(usize),
    Of(partition::Step),
}

impl Walk for Deciding {
    fn walked(&self) -> &Walked {
        &self.walked
    }
}

impl Model for Deciding {
    type State = State;
    type Action = Step;

    fn init_states(&self) -> Vec<State> {
        vec![State { partition: Partition::new(self.consumers), sent: Default::default(), resets: 0 }]
    }

    fn actions(&self, state: &State, steps: &mut Vec<Step>) {
        self.walked.one_more();
        let partition = &state.partition;
        for c in partition.assignable(&self.rules).into_iter().filter(|_| partition.epoch < self.max_assignments) {
            steps.push(Step::Assign(c));
            if state.resets < self.max_resets && partition.committed > 0 {
                steps.push(Step::AssignFromStart(c));
            }
        }
        for c in (0..self.consumers).filter(|&c| !partition.is_twin(c)) {
            steps.extend(partition.steps_of(c, self.log.len(), self.bounds, &self.rules).into_iter().map(Step::Of));
        }
    }

    fn next_state(&self, last: &State, step: Step) -> Option<State> {
        let mut state = last.clone();
        match step {
            Step::Assign(c) => self.assign(&mut state, c),
            Step::AssignFromStart(c) => {
                state.resets += 1;
                state.partition.committed = 0;
                self.assign(&mut state, c);
            }
            Step::Of(step) => {
                let task = Task { rules: &self.rules, log: &self.log, void: None };
                let emitted = state.partition.take(step, &task);
                state.sent.extend(emitted.iter().map(|effect| effect.attempt));
            }
        }
        state.partition.put_in_order();
        (state != *last).then_some(state)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        properties::all(self)
    }
}

impl Deciding {
    /// The second consumer to get the partition is of a newer release.
    fn assign(&self, state: &mut State, c: usize) {
        let release = if state.partition.epoch == 0 { 1 } else { 2 };
        let release = if self.rules.records_name_rules { 2 } else { release };
        state.partition.assign(c, release, &self.rules);
    }
}
