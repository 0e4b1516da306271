//! What must always hold of the leasing model, and what must be reachable for that to mean anything.

use stateright::Property;

use super::work::{Command, MAX_GRANTS, MAX_OPEN, Phase};
use super::{Breach, Call, Leasing, State, WORKERS};

pub const ONE_RESULT_COUNTS: &str = "a worker whose finish succeeded has the result that counts";
pub const THE_HOLDERS_COUNTS: &str = "the result that counts is of who had the lease";
pub const RETRY_HAS_THE_SAME_ANSWER: &str = "a worker whose result counts is never answered that its lease is over";
pub const GIVEN_BACK_ONCE: &str = "work is charged once, when it ends, and then gives its slot back";
pub const GRANTS_ARE_CAPPED: &str = "work is granted no more often than the cap";
pub const ENDS_BY_ITS_DEADLINE: &str = "a decision after the deadline leaves no open work";
pub const NOBODY_ASKS_IN_VAIN: &str = "a worker that asks while no worker has the lease gets it";
pub const LIMIT_HOLDS: &str = "no more work is open than the limit";

fn always() -> Vec<Property<Leasing>> {
    vec![
        Property::always(ONE_RESULT_COUNTS, |_, state: &State| {
            (0u8..).zip(&state.workers).all(|(number, worker)| !worker.is_answered || state.book.result == Some(number))
        }),
        Property::always(THE_HOLDERS_COUNTS, |_, state: &State| state.breach != Some(Breach::NotTheHolders)),
        Property::always(RETRY_HAS_THE_SAME_ANSWER, |_, state: &State| state.breach != Some(Breach::AnsweredStale)),
        Property::always(GIVEN_BACK_ONCE, |model: &Leasing, state: &State| {
            let has_ended = state.book.phase == Phase::Ended;
            state.book.charges == u8::from(has_ended) && (model.submits > 0 || state.book.open == u8::from(!has_ended))
        }),
        Property::always(GRANTS_ARE_CAPPED, |_, state: &State| state.book.token <= MAX_GRANTS),
        Property::always(ENDS_BY_ITS_DEADLINE, |_, state: &State| {
            let is_over = state.book.deadline().is_some_and(|deadline| deadline <= state.decided_at);
            !is_over || state.book.phase == Phase::Ended
        }),
        Property::always(NOBODY_ASKS_IN_VAIN, |_, state: &State| state.breach != Some(Breach::AskedInVain)),
        Property::always(LIMIT_HOLDS, |_, state: &State| state.book.open <= MAX_OPEN),
    ]
}

pub fn all(model: &Leasing) -> Vec<Property<Leasing>> {
    let mut all = always();
    if model.workers < WORKERS {
        return all;
    }
    all.push(Property::sometimes("a result counts and its worker has not read so", |_, state: &State| {
        state.book.result.is_some() && state.workers.iter().all(|worker| !worker.is_answered)
    }));
    if model.may_cancel {
        all.push(Property::sometimes("cancelled while a worker works", |_, state: &State| {
            state.is_cancelled
                && state.book.phase == Phase::Ended
                && state.workers.iter().any(|worker| worker.token.is_some())
        }));
        return all;
    }
    all.extend([
        Property::sometimes("two workers work on it at once", |_, state: &State| {
            state.book.phase == Phase::Leased && state.workers.iter().all(|worker| worker.token.is_some())
        }),
        Property::sometimes("an old lease's finish is under way while another has it", |_, state: &State| {
            state.book.phase == Phase::Leased
                && state.workers.iter().flat_map(|worker| worker.call).any(|call| is_stale_finish(call, state))
        }),
        Property::sometimes("the second lease brings the result", |_, state: &State| {
            state.book.token == MAX_GRANTS && state.workers.iter().any(|worker| worker.is_answered)
        }),
        Property::sometimes("the last lease lapses", |_, state: &State| {
            state.book.phase == Phase::Ended
                && state.book.leased_until <= state.decided_at
                && state.book.result.is_none()
        }),
    ]);
    all
}

fn is_stale_finish(call: Call, state: &State) -> bool {
    matches!(call, Call { command: Command::Finish { token, .. }, outcome: None, .. } if token < state.book.token)
}
