//! `POST /v1/runs`.

#![no_main]

use libfuzzer_sys::fuzz_target;
use tidegate_agentping::Body;
use tidegate_fuzz::{body, refused, taken};
use tidegate_ingest::parse::start;

fuzz_target!(|input: &[u8]| {
    let Some((reading, text)) = body(input) else { return };
    match start::start(text, &reading) {
        Ok((run, start)) => taken(text.len(), Some(run), Body::Start(start)),
        Err(fault) => refused(fault),
    }
});
