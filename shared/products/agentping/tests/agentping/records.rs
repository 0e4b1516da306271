//! The record format: old records stay readable.

use tidegate_agentping::{Body, FinishStatus, HeartbeatStatus, Record, RecordError, RunId, RunKey, TeamId};
use tidegate_kernel::Region;

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

/// What the front door can take in is read; what lies beyond came some other way, and the reason names it.
#[test]
fn numbers_and_instants_beyond_what_is_ever_taken_in_are_not_read() {
    let record = |received_at: &str, body: &str| {
        let ids = "\"team\":\"team_eu_00000000000000000000000000000007\",\"region\":\"eu\",\
                   \"run\":\"run_eu_0000000000000000000000000000002a\"";
        Record::decode(format!("{{\"v\":1,{ids},\"received_at_ms\":{received_at},\"body\":{body}}}").as_bytes())
    };
    let event = |ts: &str, turn: &str, cost: &str| {
        let id = "evt_eu_00000000000000000000000000000001";
        format!("{{\"events\":[[\"{id}\",\"log\",{ts},{turn},{{}},{},false,[\"p\",\"m\",{cost},true]]]}}", u64::MAX)
    };
    let start = |at: &str, idle: &str| {
        format!(
            "{{\"start\":{{\"agent\":\"a\",\"started_at_ms\":{at},\"idle\":{{\"timeout_s\":{idle},\"status\":\"failed\"}}}}}}"
        )
    };
    let heartbeat = |member: &str, value: &str| {
        format!("{{\"heartbeat\":{{\"agent\":\"a\",\"status\":\"ok\",\"{member}\":{value}}}}}")
    };
    let finish = |at: &str| format!("{{\"finish\":{{\"status\":\"success\",\"finished_at_ms\":{at}}}}}");
    let (first, last) = ("-62167219200000", "253402300799999");
    let beyond = ["-9223372036854775808", "-62167219200001", "253402300800000", "9223372036854775807"];
    for at in [first, "0", last] {
        for body in [start(at, "60"), finish(at), event(at, "4294967295", "9223372036854775807")] {
            assert!(record(at, &body).is_ok(), "{at} {body}");
        }
        for member in ["started_at_ms", "finished_at_ms"] {
            assert!(record("0", &heartbeat(member, at)).is_ok(), "{at}");
        }
    }
    for at in beyond {
        let named = |decoded: Result<Record, RecordError>, member: &str| {
            let told = decoded.expect_err("it is beyond").to_string();
            assert!(told.contains(&format!("{member} is {at},")), "{told}");
        };
        named(record(at, &finish("0")), "received_at_ms");
        named(record("0", &finish(at)), "finished_at_ms");
        named(record("0", &start(at, "60")), "started_at_ms");
        named(record("0", &event(at, "0", "0")), "ts_ms");
        named(record("0", &heartbeat("started_at_ms", at)), "started_at_ms");
        named(record("0", &heartbeat("finished_at_ms", at)), "finished_at_ms");
    }
    for (fine, body) in [
        (true, start("0", "86400")),
        (false, start("0", "59")),
        (false, start("0", "86401")),
        (false, start("0", "4294967295")),
        (false, event("0", "0", "9223372036854775808")),
        (false, event("0", "0", "18446744073709551615")),
        (true, heartbeat("cost_nanos_usd", "1000000000000000000")),
        (false, heartbeat("cost_nanos_usd", "1000000000000000001")),
        (false, heartbeat("cost_nanos_usd", "18446744073709551615")),
        (true, heartbeat("duration_ms", "18446744073709551615")),
        (true, heartbeat("input_tokens", "18446744073709551615")),
        (true, heartbeat("output_tokens", "18446744073709551615")),
    ] {
        let decoded = record("0", &body);
        assert_eq!(decoded.is_ok(), fine, "{body}");
        if let Err(error) = decoded {
            assert!(matches!(error, RecordError::OutOfRange { .. }), "{error}");
        }
    }
}

/// Topics written by every build so far have a run's records in these partitions.
#[test]
fn a_runs_key_and_partition_never_change() {
    let birth = 0x0190_0000_0000_7000_8000_0000_0000_0000;
    let key = |run: u128| RunKey {
        team: TeamId::from_bits(Region::Eu, birth),
        run: RunId::from_bits(Region::Eu, birth + run),
    };
    assert_eq!(
        key(1).log_key().text(),
        "team_eu_01900000000070008000000000000000/run_eu_01900000000070008000000000000001"
    );
    let partitions: Vec<u32> = (0..8).map(|run| key(run).log_key().partition(12)).collect();
    assert_eq!(partitions, [5, 11, 2, 5, 7, 11, 7, 8]);
}
