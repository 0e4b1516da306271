//! What must always hold of the consuming model, and what must be reachable for that to mean anything.

use stateright::Property;

use super::store::{Run, Status, StoredRun};
use super::{Consuming, RUNS, Says, State};

pub const COMMITTED_IS_STORED: &str = "every record below the committed offset is in the store";
pub const DRAINED_IS_THE_FOLD: &str = "once all is committed the store is the fold of the log";
pub const ALWAYS_A_PREFIX: &str = "each run is stored as some prefix of the log makes it";
pub const VALUES_NEVER_DECIDE: &str = "no two values ever meet under one timestamp";

pub fn all(with_crashes: bool) -> Vec<Property<Consuming>> {
    let mut all = vec![
        Property::always(COMMITTED_IS_STORED, |model: &Consuming, state: &State| {
            (0..state.promised).all(|offset| {
                let record = model.log[offset];
                has(&state.store[record.run], record.says)
            })
        }),
        Property::always(DRAINED_IS_THE_FOLD, |model: &Consuming, state: &State| {
            !drained(model, state) || (0..RUNS).all(|run| state.store[run].load() == Run::of(run, &model.log))
        }),
        // Stays true of the records committed so far: a run never goes back behind them.
        Property::always(ALWAYS_A_PREFIX, |model: &Consuming, state: &State| {
            (0..RUNS).all(|run| {
                let stored = state.store[run].load();
                (state.promised..=model.log.len()).any(|end| stored == Run::of(run, &model.log[..end]))
            })
        }),
        Property::always(VALUES_NEVER_DECIDE, |_, state: &State| !state.disputed),
        Property::sometimes("both consumers are writing", |_, state: &State| {
            state.consumers.iter().all(|c| !c.writes.is_empty())
        }),
        Property::sometimes("a zombie is about to write a past state", |_, state: &State| {
            zombie_write(state, |at, stored| at < stored)
        }),
        Property::sometimes("a zombie is ahead of the store", |_, state: &State| {
            zombie_write(state, |at, stored| at > stored)
        }),
        Property::sometimes("a write that has landed is repeated", |_, state: &State| {
            state
                .consumers
                .iter()
                .any(|consumer| consumer.writes.iter().any(|w| w.timestamp == state.store[w.run].count.timestamp))
        }),
        Property::sometimes("a record is stored out of turn", |_, state: &State| {
            state.consumers.iter().any(|c| !c.stored_beyond.is_empty())
        }),
        Property::sometimes("an owner works while its former writes are under way", |_, state: &State| {
            state.consumers.iter().any(|c| c.epoch == state.epoch && !c.writes.is_empty() && !c.left_behind.is_empty())
        }),
        Property::sometimes("all is committed while a zombie writes", |model: &Consuming, state: &State| {
            drained(model, state) && zombie_write(state, |_, _| true)
        }),
    ];
    if with_crashes {
        all.extend([
            Property::sometimes("all is committed after a crash", |model: &Consuming, state: &State| {
                state.crashes > 0 && drained(model, state)
            }),
            Property::sometimes(
                "all is committed with a dead process's write under way",
                |model: &Consuming, state: &State| drained(model, state) && !state.adrift.is_empty(),
            ),
        ]);
    }
    all
}

fn drained(model: &Consuming, state: &State) -> bool {
    state.promised == model.log.len()
}

fn has(stored: &StoredRun, says: Says) -> bool {
    match says {
        Says::Start(_) => stored.start.value != 0,
        Says::Finish(_) => stored.finish.value != Status::Absent,
        Says::Event { id, .. } => stored.rows[id].value != 0,
    }
}

/// Whether a consumer that lost the partition has a write whose timestamp compares so with the stored one.
fn zombie_write(state: &State, compares: fn(u8, u8) -> bool) -> bool {
    let zombies = state.consumers.iter().filter(|c| c.epoch != state.epoch);
    zombies
        .flat_map(|zombie| &zombie.writes)
        .any(|write| compares(write.timestamp, state.store[write.run].count.timestamp))
}
