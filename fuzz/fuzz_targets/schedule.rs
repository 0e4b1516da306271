//! Schedules: whatever a preview is asked for, it is answered or refused in few words, in bounded time, and what is
//! answered is in order. A definition that reads is written so that it reads the same.

#![no_main]

use libfuzzer_sys::fuzz_target;
use tidegate_agentping_pulse::preview::{MAX_COUNT, PreviewRequest, next_slots};
use tidegate_agentping_pulse::{Cron, Definition};
use tidegate_fuzz::RECEIVED_AT;

const MESSAGE_BYTES: usize = 2_048;

fuzz_target!(|input: &[u8]| {
    let Ok(text) = std::str::from_utf8(input) else { return };
    if let Err(fault) = Cron::parse(text) {
        assert!(fault.to_string().len() < MESSAGE_BYTES, "{fault}");
    }
    let Ok(body) = serde_json::from_str(text) else { return };
    let asked = match PreviewRequest::parse(&body) {
        Ok(asked) => asked,
        Err(fault) => return assert!(fault.to_string().len() < MESSAGE_BYTES, "{fault}"),
    };
    let written = serde_json::to_value(&asked.schedule).expect("a definition is plain data");
    let read: Definition = serde_json::from_value(written).expect("what was written reads");
    assert_eq!(read, asked.schedule);
    let mut before = asked.after.unwrap_or(RECEIVED_AT);
    let slots = next_slots(&asked.schedule, before, asked.count);
    assert!(slots.len() <= MAX_COUNT as usize);
    for slot in slots {
        assert!(before < slot.at && slot.window_from <= slot.at && slot.at < slot.deadline, "{slot:?} after {before}");
        before = slot.at;
    }
});
