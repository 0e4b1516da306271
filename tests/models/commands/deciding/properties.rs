//! What must always hold of the deciding model, and what must be reachable for that to mean anything.

use stateright::Property;

use super::{Deciding, State};
use crate::commands::partition::{Consumer, Work};
use crate::commands::rules::Write;

pub const ONE_OUTCOME: &str = "an attempt and a key have the outcome of the sequential execution, and it never changes";
pub const BOOK_IS_A_PREFIX: &str = "the book is what some prefix of the log makes it, never one shorter than committed";
pub const MONEY_IS_CONSERVED: &str = "what was added is in the balance, held, or spent";
pub const ROWS_ARE_A_PREFIX: &str = "each row is what the log up to its position makes it";
pub const COMMITTED_IS_DECIDED: &str = "what is committed has its facts, effects and account";
pub const BOOKED_IS_ANSWERED: &str = "what the book includes has its facts, effects and rows";
pub const ANSWERED_FINDS_ITS_ROWS: &str = "who has its answer finds the rows as they were then, or later";
pub const DRAINED_IS_SEQUENTIAL: &str = "once all is committed the store is that of the sequential execution";
pub const VALUES_NEVER_DECIDE: &str = "no two values ever meet under one position";

pub fn all(model: &Deciding) -> Vec<Property<Deciding>> {
    let mut all = vec![
        Property::always(ONE_OUTCOME, |model: &Deciding, state: &State| {
            let sequential = &model.sequential.facts;
            state.partition.store.facts.iter().all(|(name, fact)| sequential.get(name) == Some(fact))
        }),
        Property::always(BOOK_IS_A_PREFIX, |model: &Deciding, state: &State| {
            let book = &state.partition.store.book;
            model.sequential.books[book.records()] == *book && book.records() >= usize::from(state.partition.promised)
        }),
        Property::always(MONEY_IS_CONSERVED, |_, state: &State| {
            let purse = &state.partition.store.book.purse;
            purse.added == purse.balance + purse.held + purse.spent
        }),
        Property::always(ROWS_ARE_A_PREFIX, |model: &Deciding, state: &State| {
            let rows = &state.partition.store.rows.0;
            rows.iter().enumerate().all(|(number, row)| {
                let records = row.position.map_or(0, |offset| usize::from(offset) + 1);
                model.sequential.rows[records].0[number] == *row
            })
        }),
        Property::always(COMMITTED_IS_DECIDED, |model: &Deciding, state: &State| {
            let promised = state.partition.promised;
            is_answered(model, state, promised.into()) && state.partition.store.account >= promised
        }),
        Property::always(BOOKED_IS_ANSWERED, |model: &Deciding, state: &State| {
            let records = state.partition.store.book.records();
            is_answered(model, state, records) && state.partition.store.rows.reach(&model.sequential.rows[records])
        }),
        Property::always(ANSWERED_FINDS_ITS_ROWS, |model: &Deciding, state: &State| {
            let store = &state.partition.store;
            store.facts.keys().all(|(_, offset)| store.rows.reach(&model.sequential.rows[usize::from(*offset) + 1]))
        }),
        Property::always(DRAINED_IS_SEQUENTIAL, |model: &Deciding, state: &State| {
            let (store, (book, rows)) = (&state.partition.store, model.sequential.last());
            !is_drained(model, state)
                || (store.book == *book
                    && store.rows == *rows
                    && store.facts == model.sequential.facts
                    && usize::from(store.account) == model.log.len())
        }),
        Property::always(VALUES_NEVER_DECIDE, |_, state: &State| !state.partition.store.disputed),
        Property::sometimes("a zombie is about to write a past book", |model: &Deciding, state: &State| {
            zombies(state).any(|zombie| {
                next_book(model, zombie).is_some_and(|records| records < state.partition.store.book.records())
            })
        }),
        Property::sometimes("a zombie is ahead of the store", |model: &Deciding, state: &State| {
            zombies(state).any(|zombie| {
                next_book(model, zombie).is_some_and(|records| records > state.partition.store.book.records())
            })
        }),
        Property::sometimes("facts of a decision are stored and its book is not", |_, state: &State| {
            let store = &state.partition.store;
            store.facts.keys().any(|(_, offset)| usize::from(*offset) >= store.book.records())
        }),
        Property::sometimes("an assignment decides what another one has half stored", |_, state: &State| {
            let store = &state.partition.store;
            state.partition.consumers.iter().any(|consumer| {
                consumer.epoch == state.partition.epoch
                    && matches!(&consumer.work, Work::HasBook { book, .. }
                        if store.facts.keys().any(|(_, offset)| usize::from(*offset) >= book.records()))
            })
        }),
        Property::sometimes("all is committed while a zombie has writes to do", |model: &Deciding, state: &State| {
            is_drained(model, state) && zombies(state).any(|zombie| zombie.work != Work::None)
        }),
    ];
    if model.max_assignments > 2 {
        all.push(Property::sometimes("two zombies have writes to do", |_, state: &State| {
            zombies(state).filter(|zombie| matches!(zombie.work, Work::Writing { .. })).count() == 2
        }));
    }
    if model.max_resets > 0 {
        all.push(Property::sometimes("all is committed after a reset", |model: &Deciding, state: &State| {
            state.resets > 0 && is_drained(model, state)
        }));
    }
    all
}

fn is_drained(model: &Deciding, state: &State) -> bool {
    usize::from(state.partition.committed) == model.log.len()
}

/// Whether the first records of the log have their facts and effects.
fn is_answered(model: &Deciding, state: &State, records: usize) -> bool {
    let facts = &state.partition.store.facts;
    let has_facts =
        model.sequential.facts.keys().all(|name| usize::from(name.1) >= records || facts.contains_key(name));
    has_facts && model.sequential.effects[..records].iter().flatten().all(|effect| state.sent.contains(effect))
}

fn zombies(state: &State) -> impl Iterator<Item = &Consumer> {
    state.partition.consumers.iter().filter(|consumer| consumer.epoch != 0 && consumer.epoch != state.partition.epoch)
}

/// How many records the book includes that a consumer writes next.
fn next_book(model: &Deciding, consumer: &Consumer) -> Option<usize> {
    match &consumer.work {
        Work::Writing { made, done } if model.rules.writes[*done] == Write::Book => Some(made.book.records()),
        _ => None,
    }
}
