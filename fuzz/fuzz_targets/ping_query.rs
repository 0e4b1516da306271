//! `GET /v1/ping`: the query string, as the route decodes it.

#![no_main]

use libfuzzer_sys::fuzz_target;
use tidegate_agentping::Body;
use tidegate_door::query::Query;
use tidegate_fuzz::{body, refused, taken};
use tidegate_ingest::parse::ping;

fuzz_target!(|input: &[u8]| {
    let Some((reading, text)) = body(input) else { return };
    let query = Query::read(Some(text));
    ping::ignored(&query);
    match ping::ping(&query, &reading) {
        Ok((run, heartbeat)) => taken(text.len(), run, Body::Heartbeat(heartbeat)),
        Err(fault) => refused(fault),
    }
});
