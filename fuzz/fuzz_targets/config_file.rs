//! Configuration files: whatever a file says, it is read or refused; a fault is short and names a line that the file has;
//! and what was read is written so that it reads the same.

#![no_main]

use libfuzzer_sys::fuzz_target;
use tidegate_agentping_settings::configuration::{ConfigText, yaml};

const MESSAGE_BYTES: usize = 2_048;

fuzz_target!(|text: &str| {
    // An empty last line counts; so does each of a carriage return alone, as YAML has it.
    let lines = text.chars().filter(|char| matches!(char, '\n' | '\r')).count() + 1;
    match ConfigText::parse(text) {
        Ok(read) => {
            if let Some(members) = read.value.as_object() {
                let written = yaml(members);
                let again = ConfigText::parse(&written).unwrap_or_else(|fault| panic!("{fault:?} in {written}"));
                assert_eq!(again.value, read.value, "{written}");
            }
        }
        Err(fault) => {
            assert!(fault.message.len() < MESSAGE_BYTES && (1..=lines).contains(&fault.line), "{fault:?} of {lines}");
        }
    }
});
