//! Every malformed body of the table `tests/malformed_bodies.json` gets its documented refusal. Each line holds the
//! endpoint, what is wrong, the body as text, and the code and field of the refusal (for an `eu` endpoint and a team
//! on a paid plan).

use serde::Deserialize;
use tidegate_agentping::TeamRates;
use tidegate_door::query::Query;
use tidegate_kernel::{Region, Timestamp};

use super::{Fault, ParseOptions, events, finish, heartbeat, ping, start};
use crate::refusal_table::Problem;

#[derive(Deserialize)]
struct Case {
    endpoint: String,
    why: String,
    body: String,
    code: String,
    field: Option<String>,
}

fn reading() -> ParseOptions {
    ParseOptions {
        region: Region::Eu,
        ignore_unknown: false,
        keep_metadata: true,
        received_at: Timestamp::from_millis(1_700_000_000_000),
    }
}

fn fault(endpoint: &str, body: &str, reading: &ParseOptions) -> Option<Fault> {
    match endpoint {
        "runs" => start::start(body, reading).err(),
        "events" => events::events(body, reading, &TeamRates::default()).err(),
        "finish" => finish::finish(body, reading).err(),
        "heartbeats" => heartbeat::heartbeat(body, reading).err(),
        other => panic!("no endpoint '{other}'"),
    }
}

#[test]
fn malformed_bodies_get_their_documented_refusal() {
    let cases: Vec<Case> = serde_json::from_str(include_str!("../../tests/malformed_bodies.json")).unwrap();
    assert!(cases.len() >= 80, "{} cases", cases.len());
    let mut wrong = Vec::new();
    for case in &cases {
        let got = fault(&case.endpoint, &case.body, &reading()).map(|fault| Problem::Fault(fault).entry());
        let seen = got.as_ref().map(|entry| (entry.status.as_u16(), entry.code, entry.field.as_deref()));
        if seen != Some((400, case.code.as_str(), case.field.as_deref())) {
            wrong.push(format!("{} / {}: {seen:?}, not {} {:?}", case.endpoint, case.why, case.code, case.field));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn too_many_members_of_free_json_are_refused() {
    let members: Vec<String> = (0..10_001).map(|index| format!("\"m{index}\":{index}")).collect();
    let body = format!("{{\"status\":\"success\",\"output\":{{{}}}}}", members.join(","));
    let fault = fault("finish", &body, &reading()).unwrap();
    assert_eq!(fault.field(), Some("output"));
}

#[test]
fn published_messages_are_exact() {
    let message = |endpoint: &str, body: &str| fault(endpoint, body, &reading()).unwrap().to_string();
    let body = r#"{"id":"x","agent":"a","started_at":"2026-05-15T14:32:01.123Z"}"#;
    assert_eq!(message("runs", body), "Field 'id' must match pattern run_(eu|us)_[0-9a-f]{32}.");
    assert!(message("runs", &body.replace("\"x\"", "\"run_fr_018f3a2b9c1d7e8fa4b9c2d7e8f1a3b6\"")).contains("'fr'"));
    assert_eq!(message("heartbeats", "{}"), "Field 'agent' is required.");
}

#[test]
fn faulty_pings_are_refused() {
    let run = "run_eu_018f3a2b9c1d7e8fa4b9c2d7e8f1a3b6";
    let long = "n".repeat(257);
    for (query, code, field) in [
        ("", "missing_field", "agent"),
        ("agent=", "missing_field", "agent"),
        ("status=bogus", "missing_field", "agent"),
        ("agent=&agent=a", "invalid_field", "agent"),
        ("agent=a&agent=a", "invalid_field", "agent"),
        ("agent=a&status=ok&status=fail", "invalid_field", "status"),
        ("key=k&agent=a&key=k", "invalid_field", "key"),
        ("agent=a&staus=fail", "unknown_field", "staus"),
        ("agnet=a", "unknown_field", "agnet"),
        ("agent=a&state=fail&status=x", "unknown_field", "state"),
        ("agent=a&exit=1", "unknown_field", "exit"),
        ("agent=caf%E9", "invalid_field", "agent"),
        ("agent=a&status=%zz", "invalid_field", "status"),
        ("agent=a%07b", "invalid_field", "agent"),
        ("agent=nig%E2%80%8Bhtly", "invalid_field", "agent"),
        ("agent=%20", "invalid_field", "agent"),
        ("agent=a&status=bogus", "invalid_field", "status"),
        ("agent=a&cost_usd=-1", "invalid_field", "cost_usd"),
        ("agent=a&cost_usd=NaN", "invalid_field", "cost_usd"),
        ("agent=a&cost_usd=inf", "invalid_field", "cost_usd"),
        ("agent=a&cost_usd=", "invalid_field", "cost_usd"),
        ("agent=a&duration_ms=-1", "invalid_field", "duration_ms"),
        ("agent=a&duration_ms=1.5", "invalid_field", "duration_ms"),
        ("agent=a&duration_ms=inf", "invalid_field", "duration_ms"),
        ("agent=a&duration_ms=ten", "invalid_field", "duration_ms"),
        ("agent=a&exit_code=", "invalid_field", "exit_code"),
        ("agent=a&exit_code=$?", "invalid_field", "exit_code"),
        ("agent=a&exit_code=1.0", "invalid_field", "exit_code"),
        ("agent=a&exit_code=+1", "invalid_field", "exit_code"),
        ("agent=a&exit_code=4294967296", "invalid_field", "exit_code"),
        ("agent=a&exit_code=1&status=ok", "invalid_field", "exit_code"),
        ("agent=a&exit_code=0&status=fail", "invalid_field", "exit_code"),
        ("agent=a&exit_code=0&status=timeout", "invalid_field", "exit_code"),
        ("agent=a&exit_code=0&status=start", "invalid_field", "exit_code"),
        ("agent=a&id=x", "invalid_id", "id"),
        (&format!("agent=a&id={}", run.replace("eu", "us")), "invalid_id", "id"),
        (&format!("agent=a&id={}", run.replace("eu", "fr")), "unknown_region", "id"),
        (&format!("agent=a&metadata={long}"), "invalid_field", "metadata"),
    ] {
        let entry = Problem::Fault(ping::ping(&Query::read(Some(query)), &reading()).unwrap_err()).entry();
        assert_eq!((entry.code, entry.field.as_deref()), (code, Some(field)), "{query:?}");
    }
}
