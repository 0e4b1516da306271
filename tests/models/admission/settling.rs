//! The plan's slot in the admission model: naming it, and giving back what was never written.

use super::{Admission, Phase, Settler, Slot, State};

impl Admission {
    /// A request that may append names the slot.
    pub fn name(&self, state: &mut State, i: usize) {
        if !self.slot_is_watched {
            return;
        }
        state.requests[i].names = true;
        if state.slot != Slot::Kept {
            state.slot = Slot::Named { old: false };
        }
        if let Settler::Noted { unchanged, .. } | Settler::Read { unchanged, .. } = &mut state.settler {
            *unchanged = false;
        }
    }

    /// Whether no record of those who named the slot can land any more, and all that landed is applied.
    pub fn slot_may_turn_old(&self, state: &State) -> bool {
        state.slot == Slot::Named { old: false }
            && state.drained()
            && !state.requests.iter().any(|r| matches!(r.phase, Phase::LookUp(_) | Phase::Admitted(_)))
    }

    pub fn note_slot(&self, state: &mut State) {
        state.settler = Settler::Noted { old: state.slot == Slot::Named { old: true }, unchanged: true };
    }

    pub fn read_for_slot(&self, state: &mut State) {
        let Settler::Noted { old, unchanged } = state.settler else { unreachable!("the step is offered then only") };
        let stored = state.stored().is_some() && self.rules.giving_back_asks_store;
        state.settler = Settler::Read { old, unchanged, stored };
    }

    pub fn settle_slot(&self, state: &mut State) {
        let Settler::Read { old, unchanged, stored } = state.settler else {
            unreachable!("the step is offered then only")
        };
        state.settler = Settler::Idle;
        let old = match self.rules.giving_back_age_before_store {
            true => old,
            false => state.slot == Slot::Named { old: true },
        };
        if stored {
            state.slot = Slot::Kept;
        } else if matches!(state.slot, Slot::Named { .. })
            && (old || !self.rules.giving_back_waits_for_age)
            && (unchanged || !self.rules.giving_back_spares_later_names)
        {
            state.slot = Slot::Free;
            for request in &mut state.requests {
                request.names = false;
            }
        }
    }
}

impl State {
    pub fn keep_slot(&mut self, i: usize) {
        if std::mem::take(&mut self.requests[i].names) {
            self.slot = Slot::Kept;
        }
    }

    /// One that names it less; without any it is free.
    pub fn release_slot(&mut self, i: usize) {
        let named = std::mem::take(&mut self.requests[i].names);
        if named && self.slot != Slot::Kept && !self.requests.iter().any(|r| r.names) {
            self.slot = Slot::Free;
        }
    }
}
