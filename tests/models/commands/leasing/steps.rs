//! The steps of the leasing model.

use stateright::{Model, Property};
use tidegate_kernel::command::{self, BookState, Envelope, Judged, Prior, RecordPlace, Rules, judge};

use super::work::{Answer, Book, Command, CommandOutcome, LIMIT_AT_FRONT_DOOR, MAX_OPEN, Phase, Work};
use super::{Breach, Call, Leasing, State, Worker, properties};
use crate::commands::purse::PAYER;
use crate::commands::store::{instant, position};
use crate::exhaustive::{Walk, Walked};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Time goes up.
    Later,
    /// A worker sends a call.
    Send(usize, Command),
    /// A worker's call reaches the log and is decided.
    Land(usize),
    /// A worker reads the answer.
    Read(usize),
    /// A worker gives up waiting for the answer. Its call is on the log.
    Miss(usize),
    /// A client's submission is sent.
    Submit,
    LandSubmit(usize),
    Cancel,
    Tick,
}

impl Walk for Leasing {
    fn walked(&self) -> &Walked {
        &self.walked
    }
}

impl Model for Leasing {
    type State = State;
    type Action = Step;

    fn init_states(&self) -> Vec<State> {
        let mut state = State {
            time: 0,
            decided_at: 0,
            book: Book::default(),
            workers: Default::default(),
            submits: Vec::new(),
            is_cancelled: false,
            breach: None,
        };
        if self.submits == 0 {
            self.decide(&mut state, Command::Submit, 0).ok();
        }
        vec![state]
    }

    fn actions(&self, state: &State, steps: &mut Vec<Step>) {
        self.walked.one_more();
        if state.time < self.max_time {
            steps.push(Step::Later);
        }
        for (w, worker) in state.workers.iter().enumerate().take(self.workers) {
            let number = w as u8;
            match (worker.call, worker.token) {
                (Some(Call { outcome: None, .. }), _) => steps.push(Step::Land(w)),
                (Some(_), _) => steps.extend([Step::Read(w), Step::Miss(w)]),
                (None, _) if worker.is_answered => {}
                (None, None) => steps.push(Step::Send(w, Command::Lease { worker: number })),
                (None, Some(token)) => steps.extend([
                    Step::Send(w, Command::Renew { token }),
                    Step::Send(w, Command::Finish { token, worker: number }),
                ]),
            }
        }
        let is_within_limit = self.rules != LIMIT_AT_FRONT_DOOR || state.book.open < MAX_OPEN;
        if state.submits.len() < self.submits && is_within_limit {
            steps.push(Step::Submit);
        }
        let not_landed = (0..state.submits.len()).filter(|&s| state.submits[s].outcome.is_none());
        steps.extend(not_landed.map(Step::LandSubmit));
        if self.may_cancel && !state.is_cancelled {
            steps.push(Step::Cancel);
        }
        steps.push(Step::Tick);
    }

    fn next_state(&self, last: &State, step: Step) -> Option<State> {
        let mut state = last.clone();
        let sent = |command| Call { command, sent_at: last.time, outcome: None };
        match step {
            Step::Later => state.time += 1,
            Step::Send(w, command) => state.workers[w].call = Some(sent(command)),
            Step::Land(w) => self.land(&mut state, w),
            Step::Read(w) => read(&mut state, w),
            Step::Miss(w) => state.workers[w].call = None,
            Step::Submit => state.submits.push(sent(Command::Submit)),
            Step::LandSubmit(s) => {
                let outcome = self.decide(&mut state, Command::Submit, last.submits[s].sent_at);
                state.submits[s].outcome = Some(outcome);
            }
            Step::Cancel => {
                state.is_cancelled = true;
                self.decide(&mut state, Command::Cancel, last.time).ok();
            }
            Step::Tick => {
                self.decide(&mut state, Command::Tick, last.time).ok();
            }
        }
        (state != *last).then_some(state)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        properties::all(self)
    }
}

impl Leasing {
    /// What stands on the log before does not matter: no record stands there twice.
    fn decide(&self, state: &mut State, command: Command, sent_at: u8) -> CommandOutcome {
        let mut book =
            BookState { rules: Rules::FIRST, now: instant(state.decided_at), decided_to: None, book: state.book };
        let envelope = Envelope::<Work> {
            rules: Rules::new(self.rules),
            owner: PAYER,
            attempt: None,
            key: None,
            received_at: instant(sent_at),
            command,
        };
        let place = RecordPlace { position: position(0), appended_at: instant(state.time), origin: None };
        let judged = judge(&mut book, &envelope, place, Prior::NONE);
        state.book = book.book;
        state.decided_at = book.now.as_millis() as u8;
        match judged {
            Judged::Decided(decision) => match decision.outcome {
                command::CommandOutcome::Answered(answer) => Ok(answer),
                command::CommandOutcome::Refused(refused) => Err(refused),
                other => unreachable!("the model has no keys and no late commands: {other:?}"),
            },
            other => unreachable!("every record is the only one: {other:?}"),
        }
    }

    fn land(&self, state: &mut State, w: usize) {
        let Some(mut call) = state.workers[w].call else {
            return;
        };
        let before = state.book;
        let outcome = self.decide(state, call.command, call.sent_at);
        call.outcome = Some(outcome);
        state.workers[w].call = Some(call);
        let number = w as u8;
        match (call.command, outcome) {
            (Command::Lease { .. }, Ok(Answer::NoWork)) => {
                let nobody_has_it = state.book.phase == Phase::Leased && state.book.leased_until <= state.decided_at;
                let own = state.book.phase == Phase::Leased && state.book.holder == number && !state.book.is_renewed;
                if state.book.phase == Phase::Queued || nobody_has_it || own {
                    state.breach = Some(Breach::AskedInVain);
                }
            }
            (Command::Finish { token, .. }, Ok(_))
                if before.result.is_none() && (before.holder, before.token) != (number, token) =>
            {
                state.breach = Some(Breach::NotTheHolders);
            }
            (Command::Finish { .. }, Err(_)) if state.book.result == Some(number) => {
                state.breach = Some(Breach::AnsweredStale);
            }
            _ => {}
        }
    }
}

fn read(state: &mut State, w: usize) {
    let worker = &mut state.workers[w];
    let Some(Call { command, outcome: Some(outcome), .. }) = worker.call.take() else {
        return;
    };
    match (command, outcome) {
        (Command::Lease { .. }, Ok(Answer::Lease { token })) => worker.token = Some(token),
        (Command::Finish { .. }, Ok(_)) => *worker = Worker { is_answered: true, ..Worker::default() },
        (_, Err(_)) => worker.token = None,
        _ => {}
    }
}
