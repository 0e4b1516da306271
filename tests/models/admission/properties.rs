//! What must always hold of the admission model, and what must be reachable for that to mean anything.

use stateright::Property;

use super::{Admission, Answer, Claim, Content, Entry, Phase, Request, Slot, State};

pub const ONE_CONTENT: &str = "no two contents are both told 202 or 200";
pub const ON_LOG_WHEN_TOLD: &str = "a request that is answered 202 or 200 has its content first on the log";
pub const STORED_WHEN_DRAINED: &str = "who was told 202 or 200 has its content in the drained store";
pub const CONFLICT_IS_TRUE: &str = "who was told 409 has another content in the drained store";
pub const REFUSAL_LEAVES_NOTHING: &str = "a refused request leaves no record on the log";

pub const SLOT_IS_KEPT: &str = "what is on the log keeps its slot of the plan";

pub fn all(model: &Admission) -> Vec<Property<Admission>> {
    let mut all = vec![
        Property::always(ONE_CONTENT, |_, state: &State| {
            let mut told = successes(state);
            let first = told.next();
            told.all(|content| Some(content) == first)
        }),
        Property::always(ON_LOG_WHEN_TOLD, |_, state: &State| {
            successes(state).all(|content| state.log.first() == Some(&content))
        }),
        Property::always(STORED_WHEN_DRAINED, |_, state: &State| {
            !state.drained() || successes(state).all(|content| state.stored() == Some(content))
        }),
        Property::always(CONFLICT_IS_TRUE, |_, state: &State| {
            !state.drained()
                || told(state, |a| matches!(a, Answer::ConflictByClaim | Answer::ConflictByStore))
                    .all(|content| state.stored().is_some_and(|stored| stored != content))
        }),
        Property::always(REFUSAL_LEAVES_NOTHING, |_, state: &State| !state.requests.iter().any(|r| r.left_record)),
        Property::sometimes("a request joins a claim", |_, state: &State| {
            any(state, |r| r.phase == Phase::Admitted(Entry::Joined))
        }),
        Property::sometimes("an old claim is taken over", |_, state: &State| {
            any(state, |r| r.phase == Phase::Admitted(Entry::TookOver))
        }),
        Property::sometimes("what took a claim over is accepted", |_, state: &State| {
            any(state, |r| r.answer == Some(Answer::Accepted))
                && any(state, |r| r.answer == Some(Answer::Unknown) && !r.holds)
        }),
        Property::sometimes("a failed append frees its claim", |_, state: &State| {
            state.claim == Claim::None && any(state, |r| r.phase == Phase::Gone && r.answer == Some(Answer::Refused))
        }),
        Property::sometimes("a record lands after its answer was unknown", |_, state: &State| {
            state.stored().is_some_and(|stored| {
                state
                    .requests
                    .iter()
                    .filter(|r| r.content == stored && r.phase != Phase::Waiting)
                    .all(|r| r.answer == Some(Answer::Unknown))
            })
        }),
        Property::sometimes("a dead front door leaves its record behind", |_, state: &State| {
            !state.log.is_empty()
                && state.requests.iter().all(|r| r.answer.is_none() && matches!(r.phase, Phase::Waiting | Phase::Gone))
        }),
        Property::sometimes("200 by a confirmed claim", |_, state: &State| {
            any(state, |r| r.answer == Some(Answer::RepeatByClaim))
        }),
        Property::sometimes("409 by a confirmed claim", |_, state: &State| {
            any(state, |r| r.answer == Some(Answer::ConflictByClaim))
        }),
        Property::sometimes("409 by the store", |_, state: &State| {
            any(state, |r| r.answer == Some(Answer::ConflictByStore))
        }),
        Property::sometimes("503 for meeting a young claim", |_, state: &State| {
            matches!(state.claim, Claim::Unconfirmed { .. })
                && any(state, |r| r.phase == Phase::Gone && r.answer == Some(Answer::Refused) && !r.holds)
        }),
        Property::sometimes("a claim changes before its take-over", |_, state: &State| {
            any(state, |r| r.phase == Phase::TakeOver { unchanged: false })
        }),
    ];
    if model.slot_is_watched {
        all.push(Property::always(SLOT_IS_KEPT, |_, state: &State| state.log.is_empty() || state.slot != Slot::Free));
        all.push(Property::sometimes("what a dead front door never wrote is given back", |_, state: &State| {
            state.slot == Slot::Free
                && matches!(state.claim, Claim::Unconfirmed { .. })
                && state.requests.iter().all(|r| matches!(r.phase, Phase::Waiting | Phase::Gone))
        }));
        all.push(Property::sometimes("what was written unknown to its front door is kept", |_, state: &State| {
            state.slot == Slot::Kept && state.requests.iter().all(|r| r.answer.is_none())
        }));
    }
    if model.memory_may_be_lost && model.store_may_hang {
        all.push(Property::sometimes("what was compared with nothing is not what is stored", |_, state: &State| {
            any(state, |r| {
                r.uncompared
                    && r.answer == Some(Answer::Accepted)
                    && state.stored().is_some_and(|stored| stored != r.content)
            })
        }));
    }
    if model.window_may_pass {
        // Only then: while the gate remembers, there is no claim of one content while the other one is stored.
        all.push(Property::sometimes("200 by the store", |_, state: &State| {
            any(state, |r| r.answer == Some(Answer::RepeatByStore))
        }));
    }
    all
}

fn any(state: &State, holds: impl Fn(&Request) -> bool) -> bool {
    state.requests.iter().any(holds)
}

fn told(state: &State, which: fn(Answer) -> bool) -> impl Iterator<Item = Content> + '_ {
    state.requests.iter().filter(move |r| r.answer.is_some_and(which)).map(|r| r.content)
}

/// Of those that were compared: what was compared with nothing is taken as it is while the gate is down.
fn successes(state: &State) -> impl Iterator<Item = Content> + '_ {
    let success = |a| matches!(a, Answer::Accepted | Answer::RepeatByClaim | Answer::RepeatByStore);
    state.requests.iter().filter(move |r| !r.uncompared && r.answer.is_some_and(success)).map(|r| r.content)
}
