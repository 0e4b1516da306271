//! Whatever comes in, reading it ends in a record or in a refusal with a 4xx status.

use proptest::collection::vec;
use proptest::prelude::*;
use serde::Deserialize;
use tidegate_agentping::TeamRates;
use tidegate_door::query::Query;
use tidegate_kernel::{Region, Timestamp};

use super::{Fault, ParseOptions, events, finish, heartbeat, ping, start};
use crate::refusal_table::Problem;

const VALID: [&str; 4] = [
    r#"{"id":"run_eu_018f3a2b9c1d7e8fa4b9c2d7e8f1a3b6","agent":"a\u00e9","started_at":"2026-05-15T14:32:01.123Z","metadata":{"a":1},"idle_timeout_seconds":900}"#,
    r#"{"events":[{"external_id":"evt_eu_018f3a2b9c1d7e8fa4b9c2d7e8f1a3b6","type":"llm_call","ts":"2026-05-15T14:32:01.123Z","turn":1,"data":{"provider":"openai","model":"m","input_tokens":10,"mode":"batch","error":null}}]}"#,
    r#"{"status":"success","finished_at":"2026-05-15T14:32:01.123Z","output":{"a":[1,{"b":null}]},"scores":{"s":0.5}}"#,
    r#"{"agent":"a","status":"ok","cost_usd":0.084,"duration_ms":12300,"input_tokens":5}"#,
];

fn judge(body: &str, ignore_unknown: bool) {
    let reading = ParseOptions {
        region: Region::Eu,
        ignore_unknown,
        keep_metadata: true,
        received_at: Timestamp::from_millis(1_700_000_000_000),
    };
    let query = Query::read(Some(body));
    ping::ignored(&query);
    let faults: [Option<Fault>; 5] = [
        start::start(body, &reading).err(),
        events::events(body, &reading, &TeamRates::default()).err(),
        finish::finish(body, &reading).err(),
        heartbeat::heartbeat(body, &reading).err(),
        ping::ping(&query, &reading).err(),
    ];
    for fault in faults.into_iter().flatten() {
        let entry = Problem::Fault(fault).entry();
        assert!(entry.status.is_client_error(), "{entry:?}");
        assert!(serde_json::from_str::<serde_json::Value>(&entry.envelope()).is_ok());
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(512) })]

    #[test]
    fn random_text(bytes in vec(any::<u8>(), 0..200)) {
        judge(&String::from_utf8_lossy(&bytes), false);
    }

    #[test]
    fn text_of_json_pieces(pieces in vec(prop::sample::select(&[
        "{", "}", "[", "]", ",", ":", "\"", "\\", "\\u", "d800", "null", "true", "-", "0", "1e999", "\"id\"", "\"agent\"",
        "\"events\"", "\"data\"", "\"metadata\"", "\"status\"", "\"cost_usd\"", " ",
    ][..]), 0..40)) {
        judge(&pieces.concat(), true);
    }

    #[test]
    fn mutated_bodies(
        which in 0..VALID.len(),
        edits in vec((any::<prop::sample::Index>(), any::<u8>(), 0..4u8), 1..6),
        lenient in any::<bool>(),
    ) {
        let mut body = VALID[which].as_bytes().to_vec();
        for (at, byte, how) in edits {
            let at = at.index(body.len().max(1));
            match how {
                0 if !body.is_empty() => body[at] = byte,
                1 if !body.is_empty() => { body.remove(at); }
                2 => body.insert(at, byte),
                _ => body.truncate(at.max(1)),
            }
        }
        judge(&String::from_utf8_lossy(&body), lenient);
    }

    /// Every malformed body of the table, cut anywhere.
    #[test]
    fn cut_bodies(case in any::<prop::sample::Index>(), at in any::<prop::sample::Index>()) {
        #[derive(Deserialize)]
        struct Case { body: String }
        let cases: Vec<Case> = serde_json::from_str(include_str!("../../tests/malformed_bodies.json")).unwrap();
        let body: Vec<char> = cases[case.index(cases.len())].body.chars().collect();
        let cut: String = body[..at.index(body.len() + 1)].iter().collect();
        judge(&cut, false);
    }
}

#[test]
fn depth_alone_breaks_nothing() {
    for open in ["[", "{\"a\":"] {
        let body = format!("{{\"status\":\"success\",\"output\":{}", open.repeat(100_000));
        judge(&body, false);
        judge(&open.repeat(100_000), true);
    }
    judge(&format!("{{\"agent\":\"a\",\"output\":{}{}}}", "[".repeat(100_000), "]".repeat(100_000)), false);
    judge(&format!("{{\"x\":{}{}}}", "[".repeat(100_000), "]".repeat(100_000)), true);
}
