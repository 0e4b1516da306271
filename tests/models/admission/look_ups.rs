//! Reading the store in the admission model, for ids that the gate may have forgotten.

use super::{Admission, Answer, Phase, State};

impl Admission {
    /// Without the store, only what the gate may have forgotten with all its memory is taken.
    pub fn look_up_hangs(&self, state: &mut State, i: usize) {
        let Phase::LookUp(entry) = state.requests[i].phase else {
            unreachable!("the step is offered in this phase only")
        };
        let needed = state.window_passed && self.rules.only_lost_memory_goes_without;
        if needed {
            state.requests[i].answer_and(Answer::Refused, Phase::Releasing);
        } else {
            state.requests[i].uncompared = state.memory_lost;
            state.requests[i].phase = Phase::Admitted(entry);
        }
    }
}

pub fn look_up(state: &mut State, i: usize) {
    let Phase::LookUp(entry) = state.requests[i].phase else { unreachable!("the step is offered in this phase only") };
    match state.stored() {
        Some(_) => answer_from_store(state, i, Phase::Releasing),
        None => state.requests[i].phase = Phase::Admitted(entry),
    }
}

fn answer_from_store(state: &mut State, i: usize, next: Phase) {
    let answer =
        if state.stored() == Some(state.requests[i].content) { Answer::RepeatByStore } else { Answer::ConflictByStore };
    state.requests[i].answer_and(answer, next);
}
