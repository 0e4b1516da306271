//! What must always hold of the crossing model, and what must be reachable for that to mean anything.

use std::collections::BTreeSet;

use stateright::Property;

use super::{Crossing, State};
use crate::commands::decide::fact_of_attempt;
use crate::commands::log::Sequential;
use crate::commands::partition::Work;
use crate::commands::purse::{BALANCE_ROW, Command};
use crate::commands::store::CommandOutcome;

pub const NONE_IS_LOST: &str = "the effect of every purchase that the payer's book includes is on the provider's log";
pub const COUNTS_ONCE: &str = "each effect counts once";
pub const SUM_IS_CONSERVED: &str = "both balances and what is under way are what was added";
pub const BOTH_ARE_SEQUENTIAL: &str = "each store is that of a sequential execution of a prefix of its log";
pub const ANSWERED_FINDS_BOTH_SIDES: &str = "who has its answer finds the provider's row with the credit";

pub fn all(with_zombie_providers: bool) -> Vec<Property<Crossing>> {
    let mut all = vec![
        Property::always(NONE_IS_LOST, |model: &Crossing, state: &State| {
            taken(model, state).iter().all(|attempt| first_of(state, *attempt).is_some())
        }),
        Property::always(COUNTS_ONCE, |_, state: &State| {
            let credited: u8 = distinct(state).iter().map(|attempt| amount(state, *attempt)).sum();
            state.provider.store.book.purse.added <= credited
                && (state.provider.store.book.records() < state.providers_log.len()
                    || state.provider.store.book.purse.added == credited)
        }),
        Property::always(SUM_IS_CONSERVED, |model: &Crossing, state: &State| {
            let (taken, given) = (taken(model, state), given(state));
            let under_way: i16 = taken.difference(&given).map(|attempt| i16::from(amount(state, *attempt))).sum();
            // The provider's consumer may be faster than the payer's is with its book.
            let early: i16 = given.difference(&taken).map(|attempt| i16::from(amount(state, *attempt))).sum();
            let (payer, provider) = (state.payer.store.book.purse, state.provider.store.book.purse);
            i16::from(payer.balance) + i16::from(provider.balance) + under_way - early == i16::from(payer.added)
        }),
        Property::always(BOTH_ARE_SEQUENTIAL, |model: &Crossing, state: &State| {
            let of_provider = Sequential::of(&state.providers_log);
            [(&state.payer, &model.payers_sequential), (&state.provider, &of_provider)].iter().all(
                |(partition, sequential)| {
                    let store = &partition.store;
                    let is_drained = usize::from(partition.committed) + 1 == sequential.books.len();
                    store.book == sequential.books[store.book.records()]
                        && store.facts.iter().all(|(name, fact)| sequential.facts.get(name) == Some(fact))
                        && (!is_drained || (&store.book, &store.rows) == sequential.last())
                        && !store.disputed
                },
            )
        }),
        Property::always(ANSWERED_FINDS_BOTH_SIDES, |model: &Crossing, state: &State| {
            (0u8..).zip(&model.payers_log).all(|(offset, record)| {
                let fact = state.payer.store.facts.get(&fact_of_attempt(record.attempt, offset));
                let is_purchase = matches!(record.command, Command::Buy(_));
                let Some(fact) = fact.filter(|fact| is_purchase && fact.outcome != CommandOutcome::TooLittle) else {
                    return true;
                };
                let is_known = |attempt: u8| {
                    let facts = &state.provider.store.facts;
                    first_of(state, attempt).is_some_and(|at| facts.contains_key(&fact_of_attempt(attempt, at)))
                };
                let is_answered = fact.effect.is_none_or(is_known);
                !is_answered || state.provider.store.rows.0[BALANCE_ROW].value >= Some(amount_of(record.command))
            })
        }),
        Property::sometimes("an effect is on the log twice, and both are decided", |_, state: &State| {
            state.providers_log.len() > distinct(state).len()
                && usize::from(state.provider.committed) == state.providers_log.len()
        }),
        Property::sometimes(
            "an effect is decided before the book that it came from",
            |model: &Crossing, state: &State| given(state).difference(&taken(model, state)).next().is_some(),
        ),
        Property::sometimes("all is committed on both sides", |model: &Crossing, state: &State| {
            usize::from(state.payer.committed) == model.payers_log.len()
                && usize::from(state.provider.committed) == state.providers_log.len()
        }),
    ];
    if with_zombie_providers {
        all.push(Property::sometimes("both partitions have a zombie with writes to do", |_, state: &State| {
            [&state.payer, &state.provider].iter().all(|partition| {
                partition
                    .consumers
                    .iter()
                    .any(|consumer| consumer.epoch != partition.epoch && matches!(consumer.work, Work::Writing { .. }))
            })
        }));
    }
    all
}

/// The effects of what the payer's book includes.
fn taken(model: &Crossing, state: &State) -> BTreeSet<u8> {
    let records = state.payer.store.book.records();
    model.payers_sequential.effects[..records].iter().flatten().copied().collect()
}

/// The effects that the provider's book includes.
fn given(state: &State) -> BTreeSet<u8> {
    let records = state.provider.store.book.records();
    state.providers_log[..records].iter().map(|record| record.attempt).collect()
}

fn distinct(state: &State) -> BTreeSet<u8> {
    state.providers_log.iter().map(|record| record.attempt).collect()
}

fn first_of(state: &State, attempt: u8) -> Option<u8> {
    state.providers_log.iter().position(|record| record.attempt == attempt).map(|at| at as u8)
}

/// What an effect credits; nothing if it is on no log.
fn amount(state: &State, attempt: u8) -> u8 {
    first_of(state, attempt).map_or(0, |at| amount_of(state.providers_log[usize::from(at)].command))
}

fn amount_of(command: Command) -> u8 {
    match command {
        Command::Add(amount) | Command::Buy(amount) | Command::Credit(amount) => amount,
        Command::Hold(_) | Command::Swap(_) | Command::Release | Command::Tick => 0,
    }
}
