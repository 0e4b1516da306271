//! Records as they are read from the log: anything may stand there.

#![no_main]

use libfuzzer_sys::fuzz_target;
use tidegate_agentping::{Outcome, Record, RunState};

fuzz_target!(|input: &[u8]| {
    let Ok(record) = Record::decode(input) else { return };
    let written = record.encode();
    let again = Record::decode(&written).expect("what was written reads back");
    assert_eq!(again, record);
    assert_eq!(again.encode(), written, "writing what was read is writing the same");

    let mut state = RunState::default();
    state.apply(record);
    let once = state.run.clone();
    assert_ne!(state.apply(again).outcome, Outcome::Applied);
    let kept = serde_json::to_string(&once).expect("a run serializes");
    assert_eq!(serde_json::from_str::<tidegate_agentping::Run>(&kept).expect("a run reads back"), once);
    for now in [i64::MIN, 0, i64::MAX].map(tidegate_kernel::Timestamp::from_millis) {
        (once.status_at(now), once.duration_ms(now), once.metadata(), once.cost());
    }
});
