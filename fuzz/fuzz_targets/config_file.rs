//! Configuration files: whatever a file says, it is read or refused, and each fault is short and names a line that the
//! file has.

#![no_main]

use libfuzzer_sys::fuzz_target;
use tidegate_agentping_settings::config::ConfigFault;
use tidegate_agentping_settings::config::file::read_file;
use tidegate_agentping_settings::config::secrets::variable;

const MESSAGE_BYTES: usize = 2_048;

fuzz_target!(|text: &str| {
    _ = variable(text);
    // An empty last line counts; so does each of a carriage return alone, as YAML has it.
    let lines = text.chars().filter(|char| matches!(char, '\n' | '\r')).count() + 1;
    let check = |fault: &ConfigFault| {
        assert!(fault.message.len() < MESSAGE_BYTES && (1..=lines).contains(&fault.line), "{fault:?} of {lines} lines");
    };
    match read_file(text) {
        Ok(objects) => {
            for placed in objects {
                let names: Vec<String> = placed.members().keys().cloned().collect();
                names.iter().for_each(|name| check(&placed.fault(name, "is wrong")));
                check(&placed.fault("", "is wrong"));
            }
        }
        Err(faults) => {
            assert!(!faults.is_empty());
            faults.iter().for_each(check);
        }
    }
});
