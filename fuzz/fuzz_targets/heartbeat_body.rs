//! `POST /v1/heartbeats`.

#![no_main]

use libfuzzer_sys::fuzz_target;
use tidegate_agentping::Body;
use tidegate_fuzz::{body, refused, taken};
use tidegate_ingest::parse::heartbeat;

fuzz_target!(|input: &[u8]| {
    let Some((reading, text)) = body(input) else { return };
    match heartbeat::heartbeat(text, &reading) {
        Ok((run, heartbeat)) => taken(text.len(), run, Body::Heartbeat(heartbeat)),
        Err(fault) => refused(fault),
    }
});
