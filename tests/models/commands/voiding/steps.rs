//! The steps of the voiding model.

use stateright::{Model, Property};
use tidegate_kernel::Timestamp;
use tidegate_kernel::command::{AtRecord, Demands, Registration, Release, Rules, VoidState, could_decide};

use super::{CONTESTED, Looks, Operator, State, Voiding, WhileAsked, properties};
use crate::commands::decide::Task;
use crate::commands::partition::{self, Partition, Void, Work};
use crate::exhaustive::{Walk, Walked};

const CONSUMERS: usize = 3;

/// The rules that the record in question names, and the newest of the new release.
const NEW: u16 = 2;

/// All registrations are current: no time passes here.
const NOW: Timestamp = Timestamp::from_millis(0);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// The group assigns the partition to this consumer, of this release.
    Assign(usize, u16),
    Register,
    /// A decider reads the voids.
    ReadVoids(usize),
    Ask,
    Look,
    /// The void is in force, or withdrawn.
    Settle,
    Of(partition::Step),
}

impl Walk for Voiding {
    fn walked(&self) -> &Walked {
        &self.walked
    }
}

impl Model for Voiding {
    type State = State;
    type Action = Step;

    fn init_states(&self) -> Vec<State> {
        let partition = Partition::new(CONSUMERS);
        vec![State { partition, is_registered: false, void: None, operator: Operator::Idle }]
    }

    fn actions(&self, state: &State, steps: &mut Vec<Step>) {
        self.walked.one_more();
        let partition = &state.partition;
        for c in partition.assignable(&self.rules).into_iter().filter(|_| partition.epoch < self.max_assignments) {
            steps.extend([Step::Assign(c, 1), Step::Assign(c, NEW)]);
        }
        for c in (0..CONSUMERS).filter(|&c| !partition.is_twin(c)) {
            self.steps_of(state, c, steps);
        }
        match state.operator {
            Operator::Idle => steps.push(if self.void_rules.asks_first { Step::Ask } else { Step::Look }),
            Operator::Asked => steps.push(Step::Look),
            Operator::Looked { .. } => steps.push(Step::Settle),
            Operator::Done => {}
        }
        let has_new = partition
            .consumers
            .iter()
            .any(|consumer| consumer.release == NEW && (self.void_rules.registers_first || consumer.sees.is_some()));
        if has_new && !state.is_registered {
            steps.push(Step::Register);
        }
    }

    fn next_state(&self, last: &State, step: Step) -> Option<State> {
        let mut state = last.clone();
        match step {
            Step::Assign(c, release) => state.partition.assign(c, release, &self.rules),
            Step::Register => state.is_registered = true,
            Step::ReadVoids(c) => state.partition.consumers[c].sees = Some(state.void),
            Step::Ask => (state.void, state.operator) = (Some(VoidState::Asked), Operator::Asked),
            Step::Look => state.operator = Operator::Looked { may: self.may_be_void(&state) },
            Step::Settle => {
                let may = state.operator == Operator::Looked { may: true };
                state.void = Some(if may { VoidState::InForce } else { VoidState::Withdrawn });
                state.operator = Operator::Done;
            }
            Step::Of(step) => {
                let (partition::Step::Poll(c, _)
                | partition::Step::Decide(c)
                | partition::Step::Store(c, _)
                | partition::Step::Write(c)) = step;
                let void = self.skips(state.partition.consumers[c].sees).then_some(CONTESTED);
                let task = Task { rules: &self.rules, log: &self.log, void };
                state.partition.take(step, &task);
            }
        }
        state.partition.put_in_order();
        Some(state)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        properties::all()
    }
}

impl Voiding {
    fn steps_of(&self, state: &State, c: usize, steps: &mut Vec<Step>) {
        let consumer = &state.partition.consumers[c];
        if consumer.epoch == 0 {
            return;
        }
        let is_new = consumer.release == NEW;
        let Some(sees) = consumer.sees else {
            if !is_new || state.is_registered || !self.void_rules.registers_first {
                steps.push(Step::ReadVoids(c));
            }
            return;
        };
        if is_new && !state.is_registered {
            return; // it registers first, or now
        }
        let stands = consumer.next == CONTESTED
            && match VoidState::at(sees) {
                AtRecord::Skip => false,
                AtRecord::Wait => !is_new || self.void_rules.while_asked == WhileAsked::Waits,
                AtRecord::Apply => !is_new,
            };
        let end = if stands { usize::from(CONTESTED) } else { self.log.len() };
        if stands && consumer.work == Work::None && sees != state.void {
            steps.push(Step::ReadVoids(c));
        }
        steps.extend(state.partition.steps_of(c, end, self.bounds, &self.rules).into_iter().map(Step::Of));
    }

    fn skips(&self, sees: Option<Void>) -> bool {
        match VoidState::at(sees.flatten()) {
            AtRecord::Skip => true,
            AtRecord::Wait => self.void_rules.while_asked == WhileAsked::Skips,
            AtRecord::Apply => false,
        }
    }

    fn may_be_void(&self, state: &State) -> bool {
        let store = &state.partition.store;
        match self.void_rules.looks {
            Looks::AtReleases => {
                let demands = Demands::Of { format: 1, rules: Some(Rules::new(NEW)) };
                let could_decide = could_decide(demands, NOW, &registered(state), &[]);
                VoidState::settled(&could_decide) == VoidState::InForce
            }
            Looks::AtStore => {
                store.book.records() <= usize::from(CONTESTED) && store.facts.keys().all(|(_, at)| *at != CONTESTED)
            }
        }
    }
}

/// The old release has always been registered.
fn registered(state: &State) -> Vec<Registration> {
    let of = |rules| Registration {
        release: Release { name: format!("release {rules}").into(), format: 1, rules: Rules::new(rules) },
        seen_at: NOW,
    };
    if state.is_registered { vec![of(1), of(NEW)] } else { vec![of(1)] }
}
