//! Which records make which rows of the feed, and what the rows say.

use tidegate_agentping::feed::{self, Arrival, FeedRowError, UNPRICED_MAX};
use tidegate_agentping::{Body, Event, FeedRow, FinishStatus, Heartbeat, HeartbeatStatus, Record, RunState};
use tidegate_agentping_testkit::{EventWith as _, StartWith as _, run_id};
use tidegate_kernel::Usd;

use crate::samples::{at, event, finish, heartbeat, idle_start, record, start};

const ARRIVAL: Arrival = Arrival { appended_at: tidegate_agentping_testkit::AFTERNOON, replayed: false };

/// The row of each record, folded in this order.
fn rows(records: impl IntoIterator<Item = Record>) -> Vec<Option<FeedRow>> {
    let mut state = RunState::default();
    records.into_iter().map(|record| feed::apply(&mut state, record, ARRIVAL).1).collect()
}

/// What a row says, in short: what the record did, how the run stands, and costs.
fn said(row: &Option<FeedRow>) -> String {
    let Some(row) = row else { return "-".to_owned() };
    let did = row.did;
    let flags = [
        (did.opened, "opened"),
        (did.ended, "ended"),
        (did.reopened, "reopened"),
        (did.alive, "alive"),
        (did.after_end, "after_end"),
        (row.moved_from.is_some(), "moved"),
        (!row.unpriced.is_empty(), "unpriced"),
    ];
    let mut words: Vec<String> = flags.iter().filter(|(is_so, _)| *is_so).map(|(_, word)| (*word).to_owned()).collect();
    words.push(row.status.to_string());
    if row.cost != Usd::ZERO {
        words.push(format!("{}<{}", row.cost.as_nanos(), row.cost_before.as_nanos()));
    }
    words.join(" ")
}

fn started(received: i64) -> Record {
    record(received, Body::Start(start("a", 0)))
}

fn events(received: i64, events: &[Event]) -> Record {
    record(received, Body::Events(events.to_vec()))
}

fn finished(received: i64, status: FinishStatus) -> Record {
    record(received, Body::Finish(finish(status, received)))
}

fn beat(received: i64, status: HeartbeatStatus) -> Record {
    record(received, Body::Heartbeat(heartbeat("a", status)))
}

fn plain(id: u128) -> Event {
    Event { call: None, ..event(id, 0, false) }
}

fn alive(id: u128) -> Event {
    plain(id).data(r#"{"step": 3, "alive" :true}"#)
}

#[test]
fn which_records_make_which_rows() {
    use FinishStatus::{Failed, Success};
    let priced = event(1, 500, false);
    let costly = |received, status| {
        record(received, Body::Heartbeat(Heartbeat { cost: Some(Usd::from_nanos(7)), ..heartbeat("a", status) }))
    };
    let cases: [(&str, Vec<Record>, &[&str]); 15] = [
        (
            "a run, and all of it again",
            vec![
                started(1),
                events(2, std::slice::from_ref(&priced)),
                finished(3, Failed),
                started(1),
                events(2, std::slice::from_ref(&priced)),
                finished(4, Failed),
            ],
            &["opened running", "running 500<0", "ended failed 500<500", "-", "-", "-"],
        ),
        ("events that say nothing", vec![started(1), events(2, &[plain(1), plain(2)])], &["opened running", "-"]),
        (
            "an orphan's start says all of it",
            vec![finished(1, Success), events(2, std::slice::from_ref(&priced)), started(3)],
            &["-", "-", "opened ended success 500<0"],
        ),
        ("an orphan", vec![events(1, &[priced.clone(), alive(2)]), finished(2, Failed)], &["-", "-"]),
        ("a heartbeat", vec![costly(1, HeartbeatStatus::Fail)], &["opened ended failed 7<0"]),
        (
            "a pair of heartbeats",
            vec![beat(1, HeartbeatStatus::Start), costly(2, HeartbeatStatus::Ok), beat(3, HeartbeatStatus::Ok)],
            &["opened running", "ended success 7<0", "-"],
        ),
        (
            "a closing heartbeat opens what was closed, and the first closing stays",
            vec![finished(1, Failed), beat(2, HeartbeatStatus::Ok)],
            &["-", "opened ended failed"],
        ),
        (
            "another start is a sign of life, and the same one again is none",
            vec![started(1), started(1), started(9), started(9), started(5)],
            &["opened running", "-", "alive running", "-", "-"],
        ),
        (
            "what contradicts the run",
            vec![
                started(1),
                record(2, Body::Start(start("b", 0))),
                record(3, Body::Heartbeat(heartbeat("b", HeartbeatStatus::Ok))),
            ],
            &["opened running", "-", "-"],
        ),
        (
            "a sign of life",
            vec![
                started(1),
                events(5, &[alive(1)]),
                events(5, &[alive(1)]),
                events(7, &[plain(2).data(r#"{"alive":false}"#)]),
            ],
            &["opened running", "alive running", "-", "-"],
        ),
        (
            "events after the end",
            vec![started(1), finished(2, Success), events(3, &[plain(2)]), events(4, &[priced.clone(), plain(2)])],
            &["opened running", "ended success", "after_end success", "after_end success 500<0"],
        ),
        (
            "an idle timeout is moved by any activity, and activity after it opens the run again",
            vec![
                record(0, Body::Start(idle_start("a", 60))),
                events(50_000, &[plain(1)]),
                events(110_000, &[plain(2)]),
                record(120_000, Body::Start(idle_start("a", 60))),
                finished(130_000, Failed),
            ],
            &["opened running", "running", "reopened running", "alive running", "ended failed"],
        ),
        (
            "a start that replaces what a heartbeat implied",
            vec![
                record(
                    1,
                    Body::Heartbeat(Heartbeat {
                        cost: Some(Usd::from_nanos(7)),
                        ..heartbeat("a", HeartbeatStatus::Ok)
                    }),
                ),
                record(2, Body::Start(start("a ", 0).customer("acme"))),
                record(2, Body::Start(start("a ", 0).customer("acme"))),
            ],
            &["opened ended success 7<0", "moved success 7<7", "-"],
        ),
        (
            "a start that says what the heartbeat implied",
            vec![
                record(
                    1,
                    Body::Heartbeat(Heartbeat { started_at: Some(at(0)), ..heartbeat("a", HeartbeatStatus::Ok) }),
                ),
                started(2),
            ],
            &["opened ended success", "success"],
        ),
        (
            "models without a rate",
            vec![started(1), events(2, &[event(1, 0, false)]), events(3, &[event(1, 0, false)])],
            &["opened running", "unpriced running", "-"],
        ),
    ];
    for (what, records, expected) in cases {
        let found: Vec<String> = rows(records).iter().map(said).collect();
        assert_eq!(found, expected, "{what}");
    }
}

#[test]
fn a_row_says_what_its_readers_need() {
    let opening = start("nightly", -5).customer("acme").feature("triage");
    let opening =
        tidegate_agentping::Start { parent_run_id: Some(run_id(9)), ..opening.idle(60, FinishStatus::Timeout) };
    let unpriced: Vec<Event> =
        (0..UNPRICED_MAX as u128 + 5).map(|id| event(id, 0, false).llm(&format!("m{}", id / 2), None)).collect();
    let told = rows([
        record(10, Body::Start(opening)),
        events(20, &[event(100, 500, false)]),
        events(30, &unpriced),
        finished(40, FinishStatus::Success),
    ]);
    let [Some(opened), Some(cost), Some(models), Some(ended)] = &told[..] else { panic!("four rows: {told:?}") };
    for row in [opened, cost, models, ended] {
        assert_eq!(
            (row.agent.as_str(), row.customer_id.as_deref(), row.feature.as_deref()),
            ("nightly", Some("acme"), Some("triage"))
        );
        assert_eq!((row.parent, row.started_at, row.listed_at()), (Some(run_id(9)), at(-5), at(-5)));
    }
    let idle = cost.idle.expect("a timeout");
    assert_eq!((idle.at, idle.status), (at(60_020), FinishStatus::Timeout));
    assert_eq!((opened.received_at, opened.finished_at, opened.duration_ms), (at(10), None, None));
    assert_eq!((ended.idle, ended.finished_at, ended.duration_ms), (None, Some(at(40)), Some(45)));
    assert_eq!(models.unpriced.len(), (UNPRICED_MAX + 5).div_ceil(2), "each model once");
    assert_eq!((opened.models.len(), models.models.len(), ended.models.len()), (0, 0, 0), "they cost nothing");
    assert_eq!(cost.models.iter().map(|model| model.cost.as_nanos()).collect::<Vec<_>>(), [500]);
    // A clock that no one can have does not decide in which month a cost counts.
    let [wild] = &rows([record(10, Body::Start(start("a", 90_000_000_000)))])[..] else { panic!("one row") };
    assert_eq!(wild.as_ref().map(FeedRow::listed_at), Some(at(10)));
}

#[test]
fn a_row_is_read_as_it_was_written_for_ever() {
    let mut state = RunState::default();
    let arrival = Arrival { replayed: true, ..ARRIVAL };
    let beat = Heartbeat { cost: Some(Usd::from_nanos(7)), ..heartbeat("a", HeartbeatStatus::Ok) };
    let row = feed::apply(&mut state, record(1, Body::Heartbeat(beat)), arrival).1.expect("a row");
    let text = row.encode().expect("JSON");
    assert_eq!(
        text,
        "{\"v\":1,\"team\":\"team_eu_00000000000000000000000000000007\",\"run\":\"run_eu_0000000000000000000000000000002a\",\
         \"received_at_ms\":1778855521124,\"appended_at_ms\":1778855521123,\"opened\":true,\"ended\":true,\"replayed\":true,\
         \"agent\":\"a\",\"started_at_ms\":1778855521124,\"status\":\"success\",\"finished_at_ms\":1778855521124,\
         \"duration_ms\":0,\"cost_nanos_usd\":7}"
    );
    assert_eq!(FeedRow::decode(&text).expect("read"), row);
    let newer = text.replacen("\"agent\"", "\"of_a_newer_form\":[1],\"agent\"", 1);
    assert_eq!(FeedRow::decode(&newer).expect("read"), row);
    let other = FeedRow::decode(&text.replacen("\"v\":1", "\"v\":2", 1));
    assert!(matches!(other, Err(FeedRowError::Version { found: 2 })), "{other:?}");
}

/// Only what is written out counts, so that looking for it stays cheap.
#[test]
fn an_event_says_that_its_run_is_alive() {
    let cases = [
        (r#"{"alive":true}"#, true),
        (r#"{"a":{"b":[1,"x"]},"alive": true ,"c":null}"#, true),
        (r#"{"alive":false}"#, false),
        (r#"{"alive":"true"}"#, false),
        (r#"{"alive":1}"#, false),
        (r#"{"alive":null}"#, false),
        (r#"{"nested":{"alive":true}}"#, false),
        (r#"{"text":"\"alive\":true"}"#, false),
        (r#"["alive",true]"#, false),
        (r#"[true,"alive"]"#, false),
        ("{}", false),
    ];
    for (data, expected) in cases {
        assert_eq!(plain(1).data(data).is_alive(), expected, "{data}");
    }
}

/// A lost row is made again of its record and the run as it is now: what it did is said at least, and no cost is added.
#[test]
fn a_lost_row_is_recovered() {
    let records = [
        finished(5, FinishStatus::Failed),
        record(10, Body::Start(start("a", 0).customer("acme"))),
        events(20, &[event(1, 500, false)]),
        events(30, &[alive(2)]),
        events(40, &[plain(3)]),
    ];
    let mut state = RunState::default();
    records.iter().for_each(|record| drop(state.apply(record.clone())));
    let recovered: Vec<Option<FeedRow>> =
        records.iter().map(|record| FeedRow::recover(record, &state.run, ARRIVAL)).collect();
    let found: Vec<String> = recovered.iter().map(said).collect();
    let expected = [
        "ended failed 500<500",
        "opened ended failed 500<500",
        "after_end failed 500<500",
        "alive after_end failed 500<500",
        "after_end failed 500<500",
    ];
    assert_eq!(found, expected);
    assert!(recovered.iter().flatten().all(|row| row.recovered && row.customer_id.as_deref() == Some("acme")));
    let orphan = RunState::default().run;
    assert_eq!(FeedRow::recover(&records[0], &orphan, ARRIVAL), None);
}
