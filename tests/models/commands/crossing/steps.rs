//! The steps of the crossing model.

use stateright::{Model, Property};

use super::{Crossing, State, properties};
use crate::commands::decide::Task;
use crate::commands::partition::{self, Partition};
use crate::exhaustive::{Walk, Walked};

const CONSUMERS: usize = 2;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    AssignPayer(usize),
    AssignProvider(usize),
    Payer(partition::Step),
    Provider(partition::Step),
}

impl Walk for Crossing {
    fn walked(&self) -> &Walked {
        &self.walked
    }
}

impl Model for Crossing {
    type State = State;
    type Action = Step;

    fn init_states(&self) -> Vec<State> {
        let (payer, provider) = (Partition::new(CONSUMERS), Partition::new(CONSUMERS));
        vec![State { payer, provider, providers_log: Vec::new() }]
    }

    fn actions(&self, state: &State, steps: &mut Vec<Step>) {
        self.walked.one_more();
        if state.payer.epoch < self.max_assignments[0] {
            steps.extend(state.payer.assignable(&self.payers).into_iter().map(Step::AssignPayer));
        }
        for c in (0..CONSUMERS).filter(|&c| !state.payer.is_twin(c)) {
            let of_payer = state.payer.steps_of(c, self.payers_log.len(), self.bounds, &self.payers);
            steps.extend(of_payer.into_iter().map(Step::Payer));
        }
        if state.provider.epoch < self.max_assignments[1] {
            steps.extend(state.provider.assignable(&self.providers).into_iter().map(Step::AssignProvider));
        }
        for c in (0..CONSUMERS).filter(|&c| !state.provider.is_twin(c)) {
            let of_provider = state.provider.steps_of(c, state.providers_log.len(), self.bounds, &self.providers);
            steps.extend(of_provider.into_iter().map(Step::Provider));
        }
    }

    fn next_state(&self, last: &State, step: Step) -> Option<State> {
        let mut state = last.clone();
        match step {
            Step::AssignPayer(c) => state.payer.assign(c, 2, &self.payers),
            Step::AssignProvider(c) => state.provider.assign(c, 2, &self.providers),
            Step::Payer(step) => {
                let task = Task { rules: &self.payers, log: &self.payers_log, void: None };
                state.providers_log.extend(state.payer.take(step, &task));
            }
            Step::Provider(step) => {
                let task = Task { rules: &self.providers, log: &state.providers_log, void: None };
                state.provider.take(step, &task);
            }
        }
        state.payer.put_in_order();
        state.provider.put_in_order();
        Some(state)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        properties::all(self.max_assignments[1] > 1)
    }
}
