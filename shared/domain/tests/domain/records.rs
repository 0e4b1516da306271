//! The record format: old records stay readable for ever.

use tidegate_domain::{Body, FinishStatus, HeartbeatStatus, Record, RecordError};

use crate::samples::{at, event, finish, heartbeat, idle_start, json, record};

fn every_kind() -> Vec<Record> {
    let mut start = idle_start("é\" x", 60);
    start.metadata = Some(json(r#"{"a": 1.50}"#));
    start.parent_run_id = Some(crate::samples::key().run);
    let mut finished = finish(FinishStatus::Cancelled, 3);
    (finished.output, finished.scores) = (Some(json("[ 1 ]")), Some(json(r#"{"s":0.1}"#)));
    let mut beat = heartbeat("a", HeartbeatStatus::Timeout);
    (beat.started_at, beat.input_tokens) = (Some(at(-1)), Some(3));
    vec![
        record(0, Body::Start(start)),
        record(1, Body::Events(vec![event(1, 5, true), event(2, 0, false)])),
        record(2, Body::Finish(finished)),
        record(3, Body::Heartbeat(beat)),
    ]
}

#[test]
fn every_kind_round_trips() {
    for record in every_kind() {
        assert_eq!(Record::decode(&record.encode()).expect("our own bytes"), record);
    }
}

/// The bytes of version 1, written down: a build that cannot read them has broken the contract.
#[test]
fn version_1_stays_readable() {
    for (bytes, record) in include_str!("records_v1.jsonl").lines().zip(every_kind()) {
        assert_eq!(Record::decode(bytes.as_bytes()).expect("a version 1 record"), record, "{bytes}");
    }
    assert_eq!(include_str!("records_v1.jsonl").lines().count(), every_kind().len());
}

#[test]
fn unknown_members_are_passed_over() {
    let bytes = String::from_utf8(every_kind()[2].encode()).expect("JSON is UTF-8");
    let newer = bytes.replacen("{\"v\":1,", "{\"v\":1,\"origin\":{\"offset\":7},", 1);
    assert!(Record::decode(newer.as_bytes()).is_ok());
}

#[test]
fn what_cannot_be_read_says_why() {
    let bytes = String::from_utf8(every_kind()[2].encode()).expect("JSON is UTF-8");
    let newer = bytes.replacen("\"v\":1", "\"v\":2", 1);
    assert!(matches!(Record::decode(newer.as_bytes()), Err(RecordError::Version { found: 2 })));
    let other_body = r#"{"v":9,"body":{"teleport":{}}}"#;
    assert!(matches!(Record::decode(other_body.as_bytes()), Err(RecordError::Version { found: 9 })));
    for garbage in ["", "null", "{}", "{\"v\":1}", &bytes[..bytes.len() - 1]] {
        assert!(matches!(Record::decode(garbage.as_bytes()), Err(RecordError::Malformed(_))), "{garbage}");
    }
    let mixed = bytes.replacen("\"region\":\"eu\"", "\"region\":\"us\"", 1);
    assert!(matches!(Record::decode(mixed.as_bytes()), Err(RecordError::Region { .. })));
}

/// As builds write them now. Readers of both forms are older than this one.
#[test]
fn events_are_written_as_lists_of_values() {
    let written = String::from_utf8(every_kind()[1].encode()).expect("JSON is UTF-8");
    let line = include_str!("records_v1_lists.jsonl").trim_end();
    assert_eq!(written, line);
    assert_eq!(Record::decode(line.as_bytes()).expect("a version 1 record"), every_kind()[1]);
}

#[test]
fn what_a_newer_form_adds_to_an_event_is_passed_over() {
    let bytes = String::from_utf8(every_kind()[1].encode()).expect("JSON is UTF-8");
    let newer = bytes.replacen("0,false]]]", "0,false],null,{\"more\":[1]},2]]", 1);
    assert_ne!(newer, bytes);
    assert_eq!(Record::decode(newer.as_bytes()).expect("a newer minor form"), every_kind()[1]);
}

/// Only where an earlier build gave the same content another hash is that one written, behind what such a build reads.
#[test]
fn the_hash_of_earlier_builds_stands_behind_the_rest() {
    let mut record = every_kind().swap_remove(1);
    let Body::Events(events) = &mut record.body else { panic!("the second kind is events") };
    events[0].earlier_hash = Some(7);
    let bytes = String::from_utf8(record.encode()).expect("JSON is UTF-8");
    assert!(bytes.contains(",7]"), "{bytes}");
    assert_eq!(Record::decode(bytes.as_bytes()).expect("a record"), record);
}

#[test]
fn an_event_with_too_few_values_says_which_is_missing() {
    let bytes = String::from_utf8(every_kind()[1].encode()).expect("JSON is UTF-8");
    let cut = bytes.replacen(",false,[\"p\",\"m\",0,false]]", "]", 1);
    assert_ne!(cut, bytes);
    let error = Record::decode(cut.as_bytes()).expect_err("it lacks values");
    assert_eq!(error.to_string().split(" at line").next(), Some("the record does not decode: missing field `errored`"));
}
