//! `POST /v1/runs/{id}/finish`.

#![no_main]

use libfuzzer_sys::fuzz_target;
use tidegate_agentping::Body;
use tidegate_fuzz::{body, refused, taken};
use tidegate_ingest::parse::finish;

fuzz_target!(|input: &[u8]| {
    let Some((reading, text)) = body(input) else { return };
    match finish::finish(text, &reading) {
        Ok(finish) => taken(text.len(), None, Body::Finish(finish)),
        Err(fault) => refused(fault),
    }
});
