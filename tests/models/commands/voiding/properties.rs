//! What must always hold of the voiding model, and what must be reachable for that to mean anything.

use stateright::Property;
use tidegate_kernel::command::VoidState;

use super::{CONTESTED, Operator, State, Voiding};
use crate::commands::log::Sequential;

pub const VOID_OR_DECIDED: &str = "nothing is stored of a record that is void";
pub const STORE_IS_THE_LOGS: &str = "what is stored is what the log makes it, without what is void";
pub const DRAINED_IS_REBUILT: &str = "once all is committed the store is that of a rebuild, which skips what is void";

pub fn all() -> Vec<Property<Voiding>> {
    vec![
        Property::always(VOID_OR_DECIDED, |_, state: &State| {
            let store = &state.partition.store;
            state.void != Some(VoidState::InForce)
                || (store.facts.keys().all(|(_, offset)| *offset != CONTESTED)
                    && store.book.decided_to != Some(CONTESTED)
                    && store.rows.0.iter().all(|row| row.position != Some(CONTESTED)))
        }),
        Property::always(STORE_IS_THE_LOGS, |model: &Voiding, state: &State| {
            let (store, sequential) = (&state.partition.store, of(model, state));
            store.book.purse == sequential.books[store.book.records()].purse
                && store.facts.iter().all(|(name, fact)| sequential.facts.get(name) == Some(fact))
                && !store.disputed
        }),
        Property::always(DRAINED_IS_REBUILT, |model: &Voiding, state: &State| {
            let (store, sequential) = (&state.partition.store, of(model, state));
            usize::from(state.partition.committed) < model.log.len()
                || ((&store.book, &store.rows) == sequential.last() && store.facts == sequential.facts)
        }),
        Property::sometimes("all is committed without the void record", |model: &Voiding, state: &State| {
            state.void == Some(VoidState::InForce) && usize::from(state.partition.committed) == model.log.len()
        }),
        Property::sometimes("a new decider skips what is void", |_, state: &State| {
            state.partition.consumers.iter().any(|consumer| {
                consumer.release == 2 && consumer.sees == Some(Some(VoidState::InForce)) && consumer.next > CONTESTED
            })
        }),
        Property::sometimes("all is committed after a withdrawal", |model: &Voiding, state: &State| {
            state.void == Some(VoidState::Withdrawn) && usize::from(state.partition.committed) == model.log.len()
        }),
        Property::sometimes("the record is half decided while the void is asked", |_, state: &State| {
            let store = &state.partition.store;
            state.void == Some(VoidState::Asked)
                && store.book.decided_to < Some(CONTESTED)
                && store.rows.0.iter().any(|row| row.position == Some(CONTESTED))
        }),
        Property::sometimes("a new decider waits for the operator", |_, state: &State| {
            state.operator == Operator::Asked
                && state.partition.consumers.iter().any(|consumer| {
                    consumer.release == 2 && consumer.sees == Some(Some(VoidState::Asked)) && consumer.next == CONTESTED
                })
        }),
    ]
}

fn of<'a>(model: &'a Voiding, state: &State) -> &'a Sequential {
    if state.void == Some(VoidState::InForce) { &model.without } else { &model.sequential }
}
