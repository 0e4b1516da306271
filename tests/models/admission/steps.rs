//! The steps of the admission model: which are possible in a state, and what each one does.

use stateright::{Model, Property};

use super::look_ups::look_up;
use super::{Admission, Answer, Claim, Entry, Phase, Request, Settler, Slot, State, properties};
use crate::exhaustive::{Walk, Walked};

/// One step. The number names a request by its place in the sorted state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// A request arrives and asks the gate.
    Arrive(usize),
    /// It reads the store because of another content's unconfirmed claim.
    AskStore(usize),
    /// It takes an old claim over at the gate.
    TakeOver(usize),
    /// It reads the store because the id is older than the claim window.
    LookUp(usize),
    /// It sends its record.
    Send(usize),
    /// Its record lands on the log, whether or not anyone still waits for it.
    Land(usize),
    /// Its record, which no request waits for any more, never reaches the log.
    Vanish(usize),
    /// Its append fails for certain.
    Fail(usize),
    /// It stops waiting without knowing.
    TimeOut(usize),
    /// Its append is acknowledged, and it answers `202`.
    Acknowledge(usize),
    Confirm(usize),
    Release(usize),
    /// Its front door dies.
    Die(usize),
    /// The consumer applies the next record.
    Apply,
    /// The unconfirmed claim's age passes what any append can take plus the consumers' lag.
    TurnOld,
    /// An old unconfirmed claim vanishes: only without its rule.
    Lapse,
    /// The claim window passes.
    PassWindow,
    /// The gate loses its memory.
    LoseMemory,
    /// The store hangs while it is read for an id that the gate may have forgotten.
    LookUpHangs(usize),
    /// The latest naming of the plan's slot turns old.
    SlotTurnsOld,
    /// The slot is settled: its age is noted, the store is read, and it is given back or kept.
    NoteSlot,
    ReadForSlot,
    SettleSlot,
}

impl Walk for Admission {
    fn walked(&self) -> &Walked {
        &self.walked
    }
}

impl Model for Admission {
    type State = State;
    type Action = Step;

    fn init_states(&self) -> Vec<State> {
        let mut requests: Vec<_> = self.contents.iter().map(|&c| Request::new(c)).collect();
        requests.sort();
        vec![State {
            requests,
            claim: Claim::None,
            log: Vec::new(),
            applied: 0,
            window_passed: false,
            memory_lost: false,
            slot: Slot::Free,
            settler: Settler::Idle,
        }]
    }

    fn actions(&self, state: &State, steps: &mut Vec<Step>) {
        self.walked.one_more();
        for (i, request) in state.requests.iter().enumerate() {
            if i > 0 && state.requests[i - 1] == *request {
                continue; // what it can do, its twin can
            }
            let next = match request.phase {
                Phase::Waiting => Some(Step::Arrive(i)),
                Phase::AskStore { .. } => Some(Step::AskStore(i)),
                Phase::TakeOver { .. } => Some(Step::TakeOver(i)),
                Phase::LookUp(_) => Some(Step::LookUp(i)),
                Phase::Admitted(_) => Some(Step::Send(i)),
                Phase::Sending => Some(Step::Fail(i)),
                Phase::Landed => Some(Step::Acknowledge(i)),
                Phase::Confirming => Some(Step::Confirm(i)),
                Phase::Releasing => Some(Step::Release(i)),
                Phase::Gone => None,
            };
            steps.extend(next);
            if self.store_may_hang && matches!(request.phase, Phase::LookUp(_)) {
                steps.push(Step::LookUpHangs(i));
            }
            if matches!(request.phase, Phase::Sending | Phase::Landed) {
                steps.push(Step::TimeOut(i));
            }
            if !matches!(request.phase, Phase::Waiting | Phase::Gone) {
                steps.push(Step::Die(i));
            }
            if request.in_flight {
                steps.push(Step::Land(i));
                if request.phase != Phase::Sending {
                    steps.push(Step::Vanish(i));
                }
            }
        }
        if state.applied < state.log.len() {
            steps.push(Step::Apply);
        }
        match state.claim {
            Claim::Unconfirmed { old: false, .. } if self.may_turn_old(state) => {
                steps.push(Step::TurnOld);
            }
            Claim::Unconfirmed { old: true, .. } if !self.rules.no_claim_lapses => {
                steps.push(Step::Lapse);
            }
            _ => {}
        }
        if self.memory_may_be_lost && !state.memory_lost && state.all_over() {
            steps.push(Step::LoseMemory);
        }
        if self.slot_is_watched {
            if self.slot_may_turn_old(state) {
                steps.push(Step::SlotTurnsOld);
            }
            steps.push(match state.settler {
                Settler::Idle => Step::NoteSlot,
                Settler::Noted { .. } => Step::ReadForSlot,
                Settler::Read { .. } => Step::SettleSlot,
            });
        }
        if self.window_may_pass && !state.window_passed && state.all_over() {
            steps.push(Step::PassWindow);
        }
    }

    fn next_state(&self, last: &State, step: Step) -> Option<State> {
        let mut state = last.clone();
        match step {
            Step::Arrive(i) => self.arrive(&mut state, i),
            Step::AskStore(i) => self.ask_store(&mut state, i),
            Step::TakeOver(i) => self.take_over(&mut state, i),
            Step::LookUp(i) => look_up(&mut state, i),
            Step::Send(i) => {
                state.requests[i].phase = Phase::Sending;
                state.requests[i].in_flight = true;
            }
            Step::Land(i) => land(&mut state, i),
            Step::Vanish(i) => state.requests[i].in_flight = false,
            Step::Fail(i) => {
                state.requests[i].in_flight = false;
                state.requests[i].answer_and(Answer::Refused, Phase::Releasing);
            }
            Step::TimeOut(i) => self.time_out(&mut state.requests[i]),
            Step::Acknowledge(i) => {
                state.requests[i].answer_and(Answer::Accepted, Phase::Confirming);
            }
            Step::Confirm(i) => {
                // By the claim's key alone: no claim of another content can be there yet.
                let confirms = !state.requests[i].uncompared || !self.rules.uncompared_never_confirms;
                if let (true, Claim::Unconfirmed { content, .. }) = (confirms, state.claim) {
                    state.set_claim(Claim::Confirmed(content));
                }
                state.keep_slot(i);
                state.requests[i].phase = Phase::Gone;
            }
            Step::Release(i) => self.release(&mut state, i),
            Step::Die(i) => state.requests[i].phase = Phase::Gone,
            Step::Apply => state.applied += 1,
            Step::TurnOld => {
                if let Claim::Unconfirmed { old, .. } = &mut state.claim {
                    *old = true; // a time passed, not a change: who saw it unchanged still does
                }
            }
            Step::Lapse => state.free_claim(),
            Step::PassWindow => {
                state.free_claim();
                state.window_passed = true;
            }
            Step::LoseMemory => {
                state.free_claim();
                state.memory_lost = true;
            }
            Step::LookUpHangs(i) => self.look_up_hangs(&mut state, i),
            Step::SlotTurnsOld => state.slot = Slot::Named { old: true },
            Step::NoteSlot => self.note_slot(&mut state),
            Step::ReadForSlot => self.read_for_slot(&mut state),
            Step::SettleSlot => self.settle_slot(&mut state),
        }
        state.requests.sort();
        Some(state)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        properties::all(self)
    }
}

impl Admission {
    /// Makes a request a holder of the claim; an id beyond the window still has to be looked up.
    pub fn enter(&self, state: &mut State, i: usize, entry: Entry) {
        state.requests[i].holds = true;
        self.name(state, i);
        let reads = state.memory_lost || state.window_passed && self.rules.old_ids_ask_store;
        state.requests[i].phase = if reads && entry != Entry::TookOver {
            Phase::LookUp(entry) // a take-over has just asked the store
        } else {
            Phase::Admitted(entry)
        };
    }

    fn time_out(&self, request: &mut Request) {
        if self.rules.unknown_keeps_claim {
            request.answer_and(Answer::Unknown, Phase::Gone);
        } else {
            request.left_record = request.phase == Phase::Landed;
            request.answer_and(Answer::Refused, Phase::Releasing);
        }
    }

    fn release(&self, state: &mut State, i: usize) {
        let holders = state.requests.iter().filter(|r| r.holds).count();
        let holds = state.requests[i].holds;
        let named = holds || !self.rules.release_names_holder;
        let sole = holders == 1 || !self.rules.only_sole_holder_releases;
        state.requests[i].phase = Phase::Gone;
        state.release_slot(i);
        if matches!(state.claim, Claim::Unconfirmed { .. }) && named && sole {
            state.free_claim();
        } else if holds && self.failed_holders_leave {
            state.requests[i].holds = false;
        }
    }

    /// Whether every append admitted before the claim's latest renewal is over, and all that landed is applied.
    fn may_turn_old(&self, state: &State) -> bool {
        state.applied == state.log.len()
            && state.requests.iter().filter(|r| !r.unseen_by_age).all(|r| {
                let may_still_send =
                    self.rules.deadline_before_append && matches!(r.phase, Phase::LookUp(_) | Phase::Admitted(_));
                !r.in_flight && !may_still_send
            })
    }
}

fn land(state: &mut State, i: usize) {
    let request = &mut state.requests[i];
    request.in_flight = false;
    request.left_record = request.answer == Some(Answer::Refused);
    if request.phase == Phase::Sending {
        request.phase = Phase::Landed;
    }
    state.log.push(request.content);
}

impl Request {
    fn new(content: super::Content) -> Request {
        Request {
            content,
            phase: Phase::Waiting,
            answer: None,
            in_flight: false,
            holds: false,
            unseen_by_age: false,
            left_record: false,
            uncompared: false,
            names: false,
        }
    }

    pub fn answer_and(&mut self, answer: Answer, next: Phase) {
        self.answer = Some(answer);
        self.phase = next;
    }
}

impl State {
    /// Puts the claim again: its age starts again and covers all who were admitted so far, and who looked at it before
    /// no longer knows it.
    pub fn set_claim(&mut self, claim: Claim) {
        self.claim = claim;
        for request in &mut self.requests {
            request.unseen_by_age = false;
            if let Phase::AskStore { unchanged, .. } | Phase::TakeOver { unchanged } = &mut request.phase {
                *unchanged = false;
            }
        }
    }

    pub fn free_claim(&mut self) {
        self.set_claim(Claim::None);
        for request in &mut self.requests {
            request.holds = false;
        }
    }

    /// No process is at work and everything is applied.
    fn all_over(&self) -> bool {
        self.drained() && self.requests.iter().all(|r| matches!(r.phase, Phase::Waiting | Phase::Gone))
    }
}
