//! The fold: records that agree end in one run in any order; any records delivered again change nothing.

#![no_main]

use std::collections::BTreeMap;

use libfuzzer_sys::arbitrary::{Result, Unstructured};
use libfuzzer_sys::fuzz_target;
use tidegate_agentping::{Event, EventId, Outcome, Record, Run, RunState};
use tidegate_fuzz::history::{agreeing, anything};

fn fold(records: &[Record]) -> (RunState, BTreeMap<EventId, Event>) {
    let (mut state, mut stored) = (RunState::default(), BTreeMap::new());
    for record in records {
        let change = state.apply(record.clone());
        for event in change.new_events {
            assert!(stored.insert(event.id, event).is_none(), "an event was called new twice");
        }
    }
    assert_eq!(state.run.events, stored.len() as u64);
    (state, stored)
}

/// Everything but the mark: delivered again, a record may contradict what was set after its first delivery.
fn unmarked(run: &Run) -> Run {
    Run { conflicted: false, ..run.clone() }
}

fn in_any_order(bytes: &mut Unstructured<'_>) -> Result<()> {
    let seed: u64 = bytes.arbitrary()?;
    let records = agreeing(bytes)?;
    let (state, stored) = fold(&records);
    assert!(!state.run.conflicted, "records that agree conflict: {records:?}");
    let mut other = records.clone();
    // The order of a cheap generator: any will do, as long as the input decides it.
    let mut random = seed | 1;
    for place in (1..other.len()).rev() {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        other.swap(place, (random >> 33) as usize % (place + 1));
    }
    let (again, stored_again) = fold(&other);
    assert_eq!(state.run, again.run, "{records:?}\n{other:?}");
    assert_eq!(stored, stored_again);
    Ok(())
}

fn told_again(bytes: &mut Unstructured<'_>) -> Result<()> {
    let cut: usize = bytes.arbitrary()?;
    let records = anything(bytes)?;
    let (whole, _) = fold(&records);
    // A restart: the head is stored, and then the head and the tail are delivered.
    let (head, tail) = records.split_at(cut % (records.len() + 1));
    let (mut state, _) = fold(head);
    for record in head.iter().chain(tail) {
        state.apply(record.clone());
    }
    assert_eq!(unmarked(&state.run), unmarked(&whole.run), "{records:?}");
    for record in &records {
        assert_ne!(state.apply(record.clone()).outcome, Outcome::Applied, "{record:?} applied twice: {records:?}");
    }
    assert_eq!(unmarked(&state.run), unmarked(&whole.run), "{records:?}");
    Ok(())
}

fuzz_target!(|input: &[u8]| {
    let Some((which, rest)) = input.split_first() else { return };
    let mut bytes = Unstructured::new(rest);
    // An input that ends early says nothing.
    let _ = if which & 1 == 0 { in_any_order(&mut bytes) } else { told_again(&mut bytes) };
});
