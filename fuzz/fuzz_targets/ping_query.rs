//! `GET /v1/ping`: the query string, as the route decodes it.

#![no_main]

use axum::extract::Query;
use axum::http::Uri;
use libfuzzer_sys::fuzz_target;
use tidegate_domain::Body;
use tidegate_fuzz::{body, refused, taken};
use tidegate_ingest::parse::ping;

fuzz_target!(|input: &[u8]| {
    let Some((reading, text)) = body(input) else { return };
    let Ok(uri) = Uri::try_from(format!("/v1/ping?{text}")) else { return };
    let Query(query) = Query::<Vec<(String, String)>>::try_from_uri(&uri).expect("any query decodes into pairs");
    match ping::ping(&query, &reading) {
        Ok((run, heartbeat)) => taken(text.len(), run, Body::Heartbeat(heartbeat)),
        Err(fault) => refused(fault),
    }
});
