//! `POST /v1/runs/{id}/events`: appending events.

use serde_json::{Value, json};
use tidegate_tests::clock::read_iso;
use tidegate_tests::team::events;
use tidegate_tests::{Team, wire};

use crate::team;

fn batch(team: &Team, count: usize) -> Vec<Value> {
    (0..count).map(|_| wire::log_event(&team.event_id())).collect()
}

async fn opened(team: &Team) -> String {
    let run = team.run_id();
    team.start(&wire::start(&run, "eventful")).await.expect(202);
    run
}

/// AP-15: events answer 202 with what became of them, and are stored in the run as sent.
#[tokio::test]
async fn events_are_stored_as_sent() {
    let (_target, team) = team().await;
    let run = opened(&team).await;
    let (first, second) = (team.event_id(), team.event_id());
    let sent = json!({"events": [
        {"external_id": first, "type": "log", "ts": "2026-05-15T14:32:02.000Z", "turn": 1,
         "data": {"message": "héllo", "deep": {"list": [1, 2.5, null, true, "x"]}, "big": 12_345_678_901_234_567_u64}},
        {"external_id": second, "type": "tool_call", "ts": "2026-05-15T14:32:03.000Z", "data": {"tool": "search"}},
    ]});
    let answer = team.events(&run, &sent).await.expect(202);
    assert_eq!(answer.members(), ["accepted", "duplicates", "received_at", "run_id"]);
    let said = answer.json();
    assert_eq!((&said["run_id"], &said["accepted"], &said["duplicates"]), (&json!(run), &json!(2), &json!(0)));
    read_iso(said["received_at"].as_str().unwrap());
    let stored = team.run_with_events(&run, 2).await;
    for (stored, sent) in events(&stored).iter().zip(events(&sent)) {
        for member in ["external_id", "type", "ts", "data", "turn"] {
            assert_eq!(
                stored.get(member).unwrap_or(&Value::Null),
                sent.get(member).unwrap_or(&Value::Null),
                "{member}"
            );
        }
    }
}

/// AP-16: 50 events are a batch; 51 are refused whole.
#[tokio::test]
async fn a_batch_has_at_most_fifty() {
    let (_target, team) = team().await;
    let run = opened(&team).await;
    let too_many = batch(&team, 51);
    team.batch(&run, &too_many).await.refused(400, "batch_too_large", Some("events"));
    assert_eq!(events(&team.settled(&run).await).len(), 0);
    team.batch(&run, &too_many[..50]).await.expect(202);
    team.run_with_events(&run, 51).await;
    team.usage_is(52).await;
}

/// AP-17: one bad event refuses the batch, the field says which, and nothing is stored or claimed.
#[tokio::test]
async fn a_batch_is_all_or_nothing() {
    let (_target, team) = team().await;
    let run = opened(&team).await;
    let good = batch(&team, 5);
    let faults = [
        ("type", json!("Not A Type"), "invalid_field"),
        ("type", json!(7), "invalid_field"),
        ("type", Value::Null, "missing_field"),
        ("ts", json!("yesterday"), "invalid_field"),
        ("data", json!("text"), "invalid_field"),
        ("data", json!([1]), "invalid_field"),
        ("turn", json!("first"), "invalid_field"),
        ("turn", json!(-1), "invalid_field"),
        ("turn", json!(1.5), "invalid_field"),
        ("external_id", json!("evt_eu_1"), "invalid_id"),
        ("surprise", json!(1), "unknown_field"),
    ];
    for (member, value, code) in faults {
        let mut bad = good.clone();
        bad[3] = wire::with(bad[3].clone(), member, value.clone());
        let answer = team.batch(&run, &bad).await;
        answer.refused(400, code, Some(&format!("events[3].{member}")));
    }
    for member in ["external_id", "type", "ts", "data"] {
        let mut bad = good.clone();
        bad[4] = wire::without(bad[4].clone(), member);
        team.batch(&run, &bad).await.refused(400, "missing_field", Some(&format!("events[4].{member}")));
    }
    assert_eq!(events(&team.settled(&run).await).len(), 0);
    let answer = team.batch(&run, &good).await.expect(202).json();
    assert_eq!((&answer["accepted"], &answer["duplicates"]), (&json!(5), &json!(0)), "nothing was claimed: {answer}");
    team.usage_is(7).await;
}

/// AP-18: sending a stored batch again answers 200; count, cost and usage stay.
#[tokio::test]
async fn a_repeated_batch_changes_nothing() {
    let (_target, team) = team().await;
    team.set_rate("acme", "m1", "1", None, "1").await;
    let run = opened(&team).await;
    let call = wire::llm_call(&team.event_id(), "acme", "m1", (1_000_000, 0, 0));
    let sent = [call, wire::log_event(&team.event_id())];
    team.batch(&run, &sent).await.expect(202);
    let once = team.run_with_events(&run, 2).await;
    for _ in 0..3 {
        let answer = team.batch(&run, &sent).await.expect(200).json();
        assert_eq!((&answer["accepted"], &answer["duplicates"]), (&json!(0), &json!(2)));
    }
    assert_eq!(team.batch(&run, &sent[1..]).await.expect(200).json()["duplicates"], 1, "re-batched");
    let again = team.settled(&run).await;
    assert_eq!(again["events"], once["events"]);
    assert_eq!(again["cost_usd"], once["cost_usd"]);
    assert_eq!(again["cost_usd"], json!(1));
    team.usage_is(4).await;
}

/// AP-18: the same content written in another way (order of members, white space, escapes) is the same event.
#[tokio::test]
async fn content_is_compared_by_what_it_says() {
    let (_target, team) = team().await;
    let (run, id) = (opened(&team).await, team.event_id());
    let post = async |text: String| team.call("POST", &format!("/v1/runs/{run}/events")).bytes(text).send().await;
    let one = format!(
        r#"{{"events":[{{"external_id":"{id}","type":"log","ts":"2026-05-15T14:32:01.120Z","data":{{"a":"é","b":[1,2]}}}}]}}"#
    );
    let same = format!(
        r#" {{ "events" : [ {{ "data": {{"b": [ 1 , 2 ], "a": "\u00e9"}}, "ts":"2026-05-15T16:32:01.12+02:00", "type":"log", "external_id":"{id}" }} ] }} "#
    );
    post(one).await.expect(202);
    post(same).await.expect(200);
}

/// AP-19: of a batch half new, the new half is stored and counted.
#[tokio::test]
async fn the_new_half_is_added() {
    let (_target, team) = team().await;
    let run = opened(&team).await;
    let sent = batch(&team, 6);
    team.batch(&run, &sent[..3]).await.expect(202);
    let answer = team.batch(&run, &sent).await.expect(202).json();
    assert_eq!((&answer["accepted"], &answer["duplicates"]), (&json!(3), &json!(3)));
    assert_eq!(events(&team.settled(&run).await).len(), 6);
    team.usage_is(8).await;
}

/// AP-20: a stored id with other content is a conflict, and nothing of the batch is stored.
#[tokio::test]
async fn other_content_is_a_conflict() {
    let (_target, team) = team().await;
    let run = opened(&team).await;
    let stored = wire::with(wire::log_event(&team.event_id()), "turn", json!(1));
    team.batch(&run, std::slice::from_ref(&stored)).await.expect(202);
    let changes = [
        ("data", json!({"message": "something else"})),
        ("type", json!("decision")),
        ("ts", json!("2026-05-15T14:32:01.123Z")),
        ("turn", json!(2)),
    ];
    let fresh = wire::log_event(&team.event_id());
    for (member, value) in changes {
        let changed = wire::with(stored.clone(), member, value);
        let answer = team.batch(&run, &[fresh.clone(), changed]).await;
        answer.refused(409, "id_conflict", Some("events[1].external_id"));
    }
    let settled = team.settled(&run).await;
    assert_eq!(events(&settled).len(), 1);
    assert_eq!(events(&settled)[0]["data"], stored["data"]);
    team.batch(&run, &[fresh]).await.expect(202);
    team.usage_is(4).await;
}

/// AP-20: an event id stored under another run is a conflict too.
#[tokio::test]
async fn an_event_belongs_to_one_run() {
    let (_target, team) = team().await;
    let (one, two) = (opened(&team).await, opened(&team).await);
    let event = wire::log_event(&team.event_id());
    team.batch(&one, std::slice::from_ref(&event)).await.expect(202);
    let answer = team.batch(&two, &[event]).await;
    answer.refused(409, "id_conflict", Some("events[0].external_id"));
    assert_eq!(events(&team.settled(&two).await).len(), 0);
}

/// AP-20: identical twins in one batch are one event; differing twins are refused (our choice).
#[tokio::test]
async fn twins_in_a_batch() {
    let (_target, team) = team().await;
    let run = opened(&team).await;
    let event = wire::log_event(&team.event_id());
    let other = wire::with(event.clone(), "type", json!("decision"));
    let answer = team.batch(&run, &[event.clone(), other]).await.expect(400).json();
    assert_eq!(answer["error"], "invalid_field", "{answer}");
    assert_eq!(answer["field"], "events[1].external_id", "{answer}");
    let answer = team.batch(&run, &[event.clone(), event.clone(), event]).await.expect(202).json();
    assert_eq!(answer["accepted"], 1, "{answer}");
    assert_eq!(events(&team.settled(&run).await).len(), 1);
    team.usage_is(3).await;
}

/// AP-23: `id` is read as `external_id`, and `timestamp` as `ts`; both names with different values are refused.
#[tokio::test]
async fn the_older_names_are_read() {
    let (_target, team) = team().await;
    let run = opened(&team).await;
    let id = team.event_id();
    let old = json!({"id": id, "type": "log", "timestamp": "2026-05-15T14:32:01.123Z", "data": {"n": 1}});
    team.batch(&run, std::slice::from_ref(&old)).await.expect(202);
    let new = json!({"external_id": id, "type": "log", "ts": "2026-05-15T14:32:01.123Z", "data": {"n": 1}});
    team.batch(&run, std::slice::from_ref(&new)).await.expect(200);
    let both = wire::with(wire::with(new.clone(), "id", json!(id)), "timestamp", new["ts"].clone());
    team.batch(&run, &[both]).await.expect(200);
    let stored = team.run_with_events(&run, 1).await;
    assert_eq!(events(&stored)[0]["external_id"], id.as_str());
    assert_eq!(events(&stored)[0]["ts"], "2026-05-15T14:32:01.123Z");
    let two_ids = wire::with(new.clone(), "id", json!(team.event_id()));
    let answer = team.batch(&run, &[two_ids]).await.expect(400).json();
    assert_eq!(answer["error"], "invalid_field", "{answer}");
    let two_times = wire::with(new, "timestamp", json!("2026-05-15T14:32:01.124Z"));
    let answer = team.batch(&run, &[two_times]).await.expect(400).json();
    assert_eq!(answer["error"], "invalid_field", "{answer}");
}

/// AP-24: the listed types and any other lower-case type are accepted; types of another form are not.
#[tokio::test]
async fn types_are_an_open_set() {
    let (_target, team) = team().await;
    let run = opened(&team).await;
    let longest = "x".repeat(64);
    let accepted = [
        "llm_call",
        "tool_call",
        "log",
        "decision",
        "score",
        "step",
        "error",
        "finish_reason",
        "handoff",
        "llm_call_error",
        "brand_new_9",
        "x",
        &longest,
    ];
    for kind in accepted {
        let event = wire::with(wire::log_event(&team.event_id()), "type", json!(kind));
        team.batch(&run, &[event]).await.expect(202);
    }
    let stored = team.run_with_events(&run, accepted.len()).await;
    let mut kinds: Vec<&str> = events(&stored).iter().map(|event| event["type"].as_str().unwrap()).collect();
    let mut expected = accepted.to_vec();
    kinds.sort_unstable();
    expected.sort_unstable();
    assert_eq!(kinds, expected);
    let longer = "x".repeat(65);
    for kind in ["Log", "tool-call", "_log", "9log", "tool call", "é", "log\n", &longer] {
        let event = wire::with(wire::log_event(&team.event_id()), "type", json!(kind));
        team.batch(&run, &[event]).await.refused(400, "invalid_field", Some("events[0].type"));
    }
}

/// AP-25: `data.status: "error"` or a `data.error` flags the run, and its status stays.
#[tokio::test]
async fn an_error_event_flags_the_run() {
    let (_target, team) = team().await;
    for (data, flagged) in [
        (json!({"status": "error"}), true),
        (json!({"error": "timed out", "exception": "TimeoutError"}), true),
        (json!({"status": "success"}), false),
        (json!({"errors": 1, "nested": {"error": "x"}}), false),
    ] {
        let run = opened(&team).await;
        let event = wire::with(wire::log_event(&team.event_id()), "data", data.clone());
        team.batch(&run, &[wire::with(event, "type", json!("tool_call"))]).await.expect(202);
        team.finish(&run, &wire::finish()).await.expect(202);
        let stored = team.closed_run(&run).await;
        assert_eq!(stored["errored"], flagged, "{data}");
        assert_eq!(stored["status"], "success", "{data}");
    }
}

/// Our choice: `events` must be a list of 1 to 50 objects.
#[tokio::test]
async fn the_list_is_a_list() {
    let (_target, team) = team().await;
    let run = opened(&team).await;
    for body in [json!({}), json!({"events": null})] {
        team.events(&run, &body).await.refused(400, "missing_field", Some("events"));
    }
    for value in [json!([]), json!({}), json!("x"), json!(1)] {
        team.events(&run, &json!({"events": value})).await.refused(400, "invalid_field", Some("events"));
    }
    let answer = team.events(&run, &json!({"events": [1]})).await.expect(400).json();
    assert_eq!((&answer["error"], &answer["field"]), (&json!("invalid_field"), &json!("events[0]")), "{answer}");
}

/// Our choice: token counts are whole numbers of 0 or more; other members of a call are free.
#[tokio::test]
async fn token_counts_are_whole_numbers() {
    let (_target, team) = team().await;
    let run = opened(&team).await;
    let call = || wire::llm_call(&team.event_id(), "acme", "m1", (10, 0, 1));
    for member in ["input_tokens", "output_tokens", "cached_input_tokens"] {
        for value in [json!(-1), json!(1.5), json!("10"), json!(true)] {
            let bad = wire::with(call(), &format!("data.{member}"), value);
            let field = format!("events[0].data.{member}");
            team.batch(&run, &[bad]).await.refused(400, "invalid_field", Some(&field));
        }
    }
    let free = wire::with(call(), "data.finish_reason", json!({"any": ["thing"]}));
    team.batch(&run, &[free]).await.expect(202);
    team.run_with_events(&run, 1).await;
}

/// Our choice: free JSON is bounded in depth and members, so that whoever reads it later can.
#[tokio::test]
async fn free_json_is_bounded() {
    let (_target, team) = team().await;
    let run = opened(&team).await;
    let post = async |data: &str| {
        let id = team.event_id();
        let body = format!(
            r#"{{"events":[{{"external_id":"{id}","type":"log","ts":"2026-05-15T14:32:01.123Z","data":{data}}}]}}"#
        );
        team.call("POST", &format!("/v1/runs/{run}/events")).bytes(body).send().await
    };
    for depth in [1_000, 100_000] {
        let nested = format!(r#"{{"a":{}{}}}"#, "[".repeat(depth), "]".repeat(depth));
        let answer = post(&nested).await.expect(400);
        let code = answer.json()["error"].as_str().unwrap().to_owned();
        assert!(["invalid_field", "invalid_json"].contains(&code.as_str()), "{answer}");
    }
    let members: Vec<String> = (0..20_000).map(|n| format!(r#""k{n}":0"#)).collect();
    post(&format!("{{{}}}", members.join(","))).await.refused(400, "invalid_field", Some("events[0].data"));
    let nested = format!(r#"{{"a":{}{}}}"#, "[".repeat(30), "]".repeat(30));
    post(&nested).await.expect(202);
    team.run_with_events(&run, 1).await;
}
