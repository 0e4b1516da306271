//! `POST /v1/runs/{id}/events`.

#![no_main]

use std::collections::HashSet;

use libfuzzer_sys::fuzz_target;
use tidegate_agentping::{Body, TeamRates};
use tidegate_fuzz::{body, refused, taken};
use tidegate_ingest::parse::events;

/// AgentPing: events.
const MOST_EVENTS: usize = 50;

fuzz_target!(|input: &[u8]| {
    let Some((reading, text)) = body(input) else { return };
    match events::events(text, &reading, &TeamRates::default()) {
        Ok(batch) => {
            let (events, indices) = batch.into_parts();
            let ids: HashSet<_> = events.iter().map(|event| event.id).collect();
            assert!((1..=MOST_EVENTS).contains(&events.len()) && ids.len() == events.len(), "twins collapse");
            assert!(indices.len() == events.len() && indices.is_sorted(), "{indices:?}");
            taken(text.len(), None, Body::Events(events));
        }
        Err(fault) => refused(fault),
    }
});
