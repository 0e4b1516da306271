//! What bodies that are right become.

use std::sync::Arc;

use tidegate_agentping::{FinishStatus, HeartbeatStatus, Idle, RateCard, TeamRates};
use tidegate_door::query::Query;
use tidegate_kernel::{Region, Timestamp, Usd};

use super::{ParseOptions, events, finish, heartbeat, ping, start};

const RUN: &str = "run_eu_018f3a2b9c1d7e8fa4b9c2d7e8f1a3b6";
const EVENT: &str = "evt_eu_018f3a2b9c1d7e8fa4b9c2d7e8f1a3b6";
const OTHER: &str = "evt_eu_018f3a2b9c1d7e8fa4b9c2d7e8f1a3b7";
const TS: &str = "2026-05-15T14:32:01.123Z";

fn reading() -> ParseOptions {
    ParseOptions {
        region: Region::Eu,
        ignore_unknown: false,
        keep_metadata: true,
        received_at: Timestamp::from_millis(1_700_000_000_000),
    }
}

fn starter() -> ParseOptions {
    ParseOptions { keep_metadata: false, ..reading() }
}

/// 2 dollars per million tokens in, 0.2 cached, 8 out; half in batch mode.
fn rates() -> TeamRates {
    let row = r#"{"provider":"acme","model":"m1","input_per_million":2000000000,"cached_per_million":200000000,
        "output_per_million":8000000000}"#;
    let own: RateCard = [serde_json::from_str(row).unwrap()].into_iter().collect();
    TeamRates { own, shipped: Arc::default() }
}

fn batch(items: &str) -> super::Batch {
    events::events(&format!("{{\"events\":[{items}]}}"), &reading(), &rates()).unwrap()
}

fn event(data: &str) -> tidegate_agentping::Event {
    let item = format!("{{\"external_id\":\"{EVENT}\",\"type\":\"llm_call\",\"ts\":\"{TS}\",\"data\":{data}}}");
    batch(&item).events.remove(0)
}

#[test]
fn a_start_with_every_member() {
    let body = format!(
        r#"{{"id":"{RUN}","agent":"caf\u00e9","started_at":"2026-05-15T16:32:01.12+02:00","customer_id":"c","feature":"f",
        "metadata":{{"a":1,"b":null,"c":"\"x\"","d":true}},"parent_run_id":"run_us_00000000000000000000000000000000",
        "goal":"g","idle_timeout_seconds":60,"idle_timeout_status":"success"}}"#
    );
    let (run, start) = start::start(&body, &reading()).unwrap();
    assert_eq!(run.to_string(), RUN);
    assert_eq!(start.agent.as_str(), "café");
    assert_eq!(start.started_at.to_string(), "2026-05-15T14:32:01.120Z");
    assert_eq!(start.parent_run_id.unwrap().region(), Region::Us);
    assert_eq!(start.idle, Some(Idle { timeout_s: 60, status: FinishStatus::Success }));
    assert_eq!(start.metadata.unwrap().as_str(), r#"{"a":1,"b":null,"c":"\"x\"","d":true}"#);
    assert_eq!((start.customer_id.as_deref(), start.goal.as_deref()), (Some("c"), Some("g")));
}

#[test]
fn optional_members_may_be_null_and_the_largest_ones_fit() {
    let long = "é".repeat(256);
    let body = format!(
        r#"{{"id":"{RUN}","agent":"{}","started_at":"{TS}","customer_id":"{long}","feature":null,"metadata":null,
        "parent_run_id":null,"goal":"{}","idle_timeout_seconds":86400,"idle_timeout_status":null}}"#,
        "a".repeat(128),
        "g".repeat(4_096)
    );
    let (_, start) = start::start(&body, &reading()).unwrap();
    assert_eq!(start.customer_id, Some(long.into()));
    assert_eq!((start.feature, start.metadata, start.parent_run_id), (None, None, None));
    assert_eq!(start.idle, Some(Idle { timeout_s: 86_400, status: FinishStatus::Timeout }));
}

#[test]
fn metadata_at_its_limits_fits_and_a_starter_plan_never_looks_at_it() {
    let keys: Vec<String> = (0..50).map(|index| format!("\"{index:064}\":1")).collect();
    let with = |metadata: &str| format!(r#"{{"id":"{RUN}","agent":"a","started_at":"{TS}","metadata":{metadata}}}"#);
    for metadata in [format!("{{{}}}", keys.join(",")), format!("{{\"a\":\"{}\"}}", "x".repeat(1_024))] {
        let (_, start) = start::start(&with(&metadata), &reading()).unwrap();
        assert_eq!(start.metadata.unwrap().as_str(), metadata);
    }
    let (_, start) = start::start(&with("[ ]"), &reading()).unwrap();
    assert_eq!(start.metadata.unwrap().as_str(), "{}");
    for faulty in ["{\"a\":{\"b\":[]}}", "\"x\"", "[1]"] {
        assert_eq!(start::start(&with(faulty), &starter()).unwrap().1.metadata, None);
        assert!(start::start(&with(faulty), &reading()).is_err());
    }
}

#[test]
fn unknown_members_are_passed_over_where_the_switch_says_so() {
    let lenient = ParseOptions { ignore_unknown: true, ..reading() };
    let body = format!(r#"{{"x":[{{}}],"id":"{RUN}","agent":"a","started_at":"{TS}","y":1}}"#);
    assert!(start::start(&body, &lenient).is_ok());
    let item = format!(r#"{{"external_id":"{EVENT}","type":"log","ts":"{TS}","data":{{}},"z":1}}"#);
    let body = format!("{{\"w\":1,\"events\":[{item}]}}");
    assert_eq!(events::events(&body, &lenient, &rates()).unwrap().events.len(), 1);
    assert!(events::events(&body, &reading(), &rates()).is_err());
}

#[test]
fn events_are_taken_under_both_names() {
    let item = format!(r#"{{"id":"{EVENT}","type":"finish_reason","timestamp":"{TS}","data":[],"turn":3}}"#);
    let event = batch(&item).events.remove(0);
    assert_eq!((event.id.to_string().as_str(), event.kind.as_str()), (EVENT, "finish_reason"));
    assert_eq!((event.data.as_str(), event.turn, event.errored, event.call), ("{}", Some(3), false, None));
    let both = format!(
        r#"{{"id":"{EVENT}","external_id":"{EVENT}","type":"log","ts":"{TS}","timestamp":"2026-05-15T14:32:01.1230Z","data":{{}}}}"#
    );
    assert_eq!(batch(&both).events.len(), 1);
}

#[test]
fn twins_are_one_and_the_rest_keep_their_place() {
    let one = format!(r#"{{"external_id":"{EVENT}","type":"log","ts":"{TS}","data":{{"a":1,"b":[2]}}}}"#);
    let same =
        format!(r#"{{"data":{{"b":[ 2.0 ],"a":1}},"type":"log","id":"{EVENT}","ts":"2026-05-15T14:32:01.123+00:00"}}"#);
    let other = one.replace(EVENT, OTHER);
    let batch = batch(&format!("{one},{same},{other}"));
    assert_eq!(batch.events.len(), 2);
    assert_eq!((batch.sent_index(0), batch.sent_index(1)), (0, 2));
    assert_eq!(batch.events[0].content_hash, batch.events[1].content_hash, "the id is no content");
}

#[test]
fn content_hashes_tell_types_times_turns_and_data_apart() {
    let base = format!(r#"{{"external_id":"{EVENT}","type":"log","ts":"{TS}","data":{{}},"turn":1}}"#);
    let hash = |item: String| batch(&item).events[0].content_hash;
    let base_hash = hash(base.clone());
    for (from, to) in [("\"log\"", "\"step\""), (".123Z", ".124Z"), ("{}", "{\"a\":1}"), ("\"turn\":1", "\"turn\":2")] {
        let changed = base.replace(from, to);
        assert_ne!(changed, base);
        assert_ne!(hash(changed), base_hash, "{to}");
    }
}

#[test]
fn fifty_events_are_a_batch() {
    let items: Vec<String> = (0..50)
        .map(|index| format!(r#"{{"external_id":"evt_eu_{index:032x}","type":"log","ts":"{TS}","data":{{}}}}"#))
        .collect();
    assert_eq!(batch(&items.join(",")).events.len(), 50);
}

#[test]
fn errors_flag_the_event() {
    for (data, errored) in [
        (r#"{"status":"error"}"#, true),
        (r#"{"error":"boom"}"#, true),
        (r#"{"error":false}"#, true),
        (r#"{"error":null,"status":"success"}"#, false),
        (r#"{"status":7}"#, false),
        (r#"{"nested":{"error":"x"}}"#, false),
        ("{}", false),
    ] {
        assert_eq!(event(data).errored, errored, "{data}");
        let item = format!(r#"{{"external_id":"{EVENT}","type":"tool_call","ts":"{TS}","data":{data}}}"#);
        assert_eq!(batch(&item).events[0].errored, errored, "{data}");
    }
}

#[test]
fn calls_are_priced_by_the_card() {
    let cost = |data: &str| {
        let call = event(data).call.unwrap();
        (call.cost.to_string(), call.priced)
    };
    let known = r#"{"provider":"acme","model":"m1","input_tokens":1000"#;
    for (data, expected, priced) in [
        (format!("{known},\"output_tokens\":100}}"), "0.0028", true),
        (format!("{known},\"cached_input_tokens\":400}}"), "0.00128", true),
        (format!("{known},\"cached_input_tokens\":5000}}"), "0.0002", true),
        (format!("{known},\"mode\":\"batch\"}}"), "0.001", true),
        (format!("{known},\"mode\":7,\"cost_usd\":99}}"), "0.002", true),
        (format!("{known},\"cache_creation_input_tokens\":900,\"reasoning_tokens\":5}}"), "0.002", true),
        (r#"{"provider":"acme","model":"acme/m1","input_tokens":1e3}"#.to_owned(), "0.002", true),
        (r#"{"provider":"acme","model":"m2","input_tokens":1000}"#.to_owned(), "0", false),
        (r#"{"input_tokens":5}"#.to_owned(), "0", false),
    ] {
        assert_eq!(cost(&data), (expected.to_owned(), priced), "{data}");
    }
    let unknown = event(r#"{"input_tokens":5}"#).call.unwrap();
    assert_eq!((unknown.provider.as_str(), unknown.model.as_str()), ("unknown", "unknown"));
    assert_eq!(event(r#"{"status":"error","error":"refused"}"#).call, None);
}

#[test]
fn finishes() {
    let (at, body) = (reading().received_at, r#"{"status":"error"}"#);
    let plain = finish::finish(body, &reading()).unwrap();
    assert_eq!((plain.status, plain.finished_at, plain.output), (FinishStatus::Failed, at, None));
    let body = format!(
        r#"{{"status":"cancelled","finished_at":"{TS}","output":"text","scores":{{"a":1,"b":-0.5e3}},"metadata":[]}}"#
    );
    let full = finish::finish(&body, &reading()).unwrap();
    assert_eq!((full.status, full.finished_at.to_string().as_str()), (FinishStatus::Cancelled, TS));
    assert_eq!(full.output.unwrap().as_str(), "\"text\"");
    assert_eq!(full.scores.unwrap().as_str(), r#"{"a":1,"b":-0.5e3}"#);
    assert_eq!(full.metadata.unwrap().as_str(), "{}");
    let lists = finish::finish(r#"{"status":"success","output":[],"scores":[ ]}"#, &reading()).unwrap();
    assert_eq!((lists.output.unwrap().as_str(), lists.scores.unwrap().as_str()), ("{}", "{}"));
    let list = finish::finish(r#"{"status":"success","output":[1]}"#, &reading()).unwrap();
    assert_eq!(list.output.unwrap().as_str(), "[1]");
}

#[test]
fn heartbeats() {
    let (run, bare) = heartbeat::heartbeat(r#"{"agent":"a"}"#, &reading()).unwrap();
    assert_eq!((run, bare.status, bare.started_at, bare.cost), (None, HeartbeatStatus::Ok, None, None));
    let body = format!(
        r#"{{"id":"{RUN}","agent":"a","status":"failed","started_at":"{TS}","finished_at":"{TS}","cost_usd":8.40e-2,
        "duration_ms":12300.0,"metadata":{{"a":1}},"output":[],"customer_id":"c","feature":"f","input_tokens":1,
        "output_tokens":0}}"#
    );
    let (run, full) = heartbeat::heartbeat(&body, &reading()).unwrap();
    assert_eq!(run.unwrap().to_string(), RUN);
    assert_eq!(
        (full.status, full.cost.map(|cost| cost.to_string())),
        (HeartbeatStatus::Fail, Some("0.084".to_owned()))
    );
    assert_eq!((full.duration_ms, full.input_tokens, full.output_tokens), (Some(12_300), Some(1), Some(0)));
    assert_eq!(full.output.unwrap().as_str(), "{}");
    for (word, status) in
        [("success", HeartbeatStatus::Ok), ("error", HeartbeatStatus::Fail), ("start", HeartbeatStatus::Start)]
    {
        let body = format!(r#"{{"agent":"a","status":"{word}"}}"#);
        assert_eq!(heartbeat::heartbeat(&body, &reading()).unwrap().1.status, status);
    }
    assert_eq!(heartbeat::heartbeat(&body, &starter()).unwrap().1.metadata, None);
}

#[test]
fn pings() {
    let note = "é".repeat(256);
    let text = format!(
        "key=k&agent=+a%20&status=fail&cost_usd=0.084&duration_ms=12300&id={RUN}&metadata={note}&utm_source=x&ts=1"
    );
    let query = Query::read(Some(&text));
    let (run, heartbeat) = ping::ping(&query, &reading()).unwrap();
    assert_eq!(ping::ignored(&query).as_deref(), Some("utm_source, ts"));
    assert_eq!((run.unwrap().to_string().as_str(), heartbeat.agent.as_str()), (RUN, "a"));
    assert_eq!((heartbeat.cost, heartbeat.duration_ms), (Some(Usd::parse("0.084").unwrap()), Some(12_300)));
    assert_eq!(heartbeat.metadata.unwrap().as_str(), format!("{{\"note\":\"{note}\"}}"));
    let too_long = format!("agent=a&metadata={}", "n".repeat(300));
    assert_eq!(ping::ping(&Query::read(Some(&too_long)), &starter()).unwrap().1.metadata, None);
}

#[test]
fn the_exit_code_of_a_job_is_its_status() {
    for (parameters, status) in [
        ("exit_code=0", HeartbeatStatus::Ok),
        ("exit_code=1", HeartbeatStatus::Fail),
        ("exit_code=255", HeartbeatStatus::Fail),
        ("exit_code=-1073741510", HeartbeatStatus::Fail),
        ("exit_code=3221225786", HeartbeatStatus::Fail),
        ("exit_code=00", HeartbeatStatus::Ok),
        ("exit_code=0&status=ok", HeartbeatStatus::Ok),
        ("exit_code=0&status=success", HeartbeatStatus::Ok),
        ("exit_code=1&status=fail", HeartbeatStatus::Fail),
        ("exit_code=124&status=timeout", HeartbeatStatus::Timeout),
    ] {
        let text = format!("agent=a&{parameters}");
        let (_, heartbeat) = ping::ping(&Query::read(Some(&text)), &reading()).unwrap();
        assert_eq!(heartbeat.status, status, "{parameters}");
    }
}

#[test]
fn ignored_parameters_are_named_within_bounds() {
    let named = |text: &str| ping::ignored(&Query::read(Some(text)));
    assert_eq!(named("key=k&agent=a"), None);
    assert_eq!(named("agent=a&x%2Cy%0D%0Az=1&%E9=2&é").as_deref(), Some("x?y??z, ?, ?"));
    assert_eq!(named("apk_eu_018f3a2b9c1d7e8fa4b9c2d7e8f1a3b6").as_deref(), Some("?"));
    let many: Vec<String> = (0..20).map(|number| format!("p{number}=")).collect();
    assert_eq!(named(&many.join("&")).as_deref(), Some("p0, p1, p2, p3, p4, p5, p6, p7, and 12 more"));
    assert_eq!(named(&"n".repeat(100)), Some("n".repeat(40)));
}
