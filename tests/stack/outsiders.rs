//! What others see who know nothing of Tidegate but its documents: records on the topic as `docs/records.md` says,
//! rows in the store as `docs/schema.md` says.

use serde_json::{Value, json};
use tidegate_tests::stack::rows::Rows;
use tidegate_tests::stack::{Addresses, LogClient, Seen};
use tidegate_tests::team::text;
use tidegate_tests::{Team, wire};

use crate::receipts::{becomes, of};
use crate::team;

/// One record of each kind by a new team: the run, its event, the heartbeat.
async fn reported(team: &Team) -> (String, String, String) {
    let (run, event, beat) = (team.run_id(), team.event_id(), team.run_id());
    let start = json!({
        "id": run, "agent": "kinds", "started_at": "2026-05-15T14:32:01.123Z", "customer_id": "c-1", "feature": "f-1",
        "metadata": {"k": "v", "n": 1}, "idle_timeout_seconds": 600,
    });
    team.start(&start).await.expect(202);
    let call = wire::with(wire::llm_call(&event, "acme", "m1", (1_000_000, 0, 0)), "turn", json!(3));
    team.batch(&run, &[call]).await.expect(202);
    let finish = json!({"status": "failed", "finished_at": "2026-05-15T14:32:13.345Z", "output": {"answer": 42}});
    let finished = of(&team.finish(&run, &finish).await.expect(202));
    let heartbeat = json!({"id": beat, "agent": "beats", "started_at": "2026-05-15T14:32:01.123Z", "cost_usd": 0.084});
    let beaten = of(&team.heartbeat(&heartbeat).await.expect(202));
    // With every row that follows from them: the runs can be read a moment before.
    for receipt in [&finished, &beaten] {
        becomes(team, receipt, "stored").await;
    }
    (run, event, beat)
}

fn body(seen: &Seen) -> Value {
    serde_json::from_slice(&seen.payload).unwrap_or_else(|error| panic!("no JSON ({error}): {seen:?}"))
}

/// Any Kafka client reads the records, and they are as documented.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_kafka_client_reads_the_records() {
    let (target, team) = team().await;
    team.set_rate("acme", "m1", "3", None, "15").await;
    let (run, event, beat) = reported(&team).await;
    let settings = target.servers().settings();
    let log = LogClient::connect(&Addresses::found(), &settings.records_topic(), &settings.group());
    assert_eq!(log.partitions().await, Ok(i32::try_from(settings.partitions).unwrap()));
    let all = log.records().await.unwrap();
    let of = |run: &str| {
        let key = format!("{}/{run}", team.id).into_bytes();
        all.iter().filter(|seen| seen.key.as_deref() == Some(&key)).collect::<Vec<_>>()
    };
    let (told, beaten) = (of(&run), of(&beat));
    assert_eq!((told.len(), beaten.len()), (3, 1), "one record for each accepted request, keyed by team and run");
    assert!(told.iter().all(|seen| seen.partition == told[0].partition), "all of one run stand in one partition");
    assert!(told.is_sorted_by_key(|seen| seen.offset));
    for seen in told.iter().chain(&beaten) {
        assert_eq!(seen.headers.get("tidegate-format").map(Vec::as_slice), Some(b"record/1".as_slice()), "{seen:?}");
        let record = body(seen);
        assert_eq!((&record["v"], &record["team"], &record["region"]), (&json!(1), &json!(team.id), &json!("eu")));
        let received_at_ms = record["received_at_ms"].as_i64().expect("whole milliseconds");
        let appended_at_ms = seen.appended_at_ms.expect("the broker dates each record");
        assert!((appended_at_ms - received_at_ms).abs() < 60_000, "{record}, appended at {appended_at_ms}");
        assert_eq!(record["body"].as_object().map(serde_json::Map::len), Some(1), "one member, named after the kind");
    }
    let start = &body(told[0])["body"]["start"];
    assert_eq!((&start["agent"], &start["started_at_ms"]), (&json!("kinds"), &json!(1_778_855_521_123_i64)));
    assert_eq!((&start["customer_id"], &start["feature"]), (&json!("c-1"), &json!("f-1")));
    assert_eq!((&start["metadata"], &start["idle"]["timeout_s"]), (&json!({"k": "v", "n": 1}), &json!(600)));
    let sent = &body(told[1])["body"]["events"][0];
    assert_eq!(
        sent.as_array().map(Vec::len),
        Some(8),
        "id, type, ts_ms, turn, data, content_hash, errored, call: {sent}"
    );
    assert_eq!((&sent[0], &sent[1], &sent[3]), (&json!(event), &json!("llm_call"), &json!(3)));
    assert_eq!(sent[4]["input_tokens"], 1_000_000);
    assert!(sent[2].is_i64() && sent[5].is_u64() && sent[6] == false, "{sent}");
    assert_eq!(sent[7], json!(["acme", "m1", 3_000_000_000_u64, true]), "provider, model, cost_nanos_usd, priced");
    let finish = json!({"status": "failed", "finished_at_ms": 1_778_855_533_345_i64, "output": {"answer": 42}});
    assert_eq!(body(told[2])["body"]["finish"], finish);
    let heartbeat = &body(beaten[0])["body"]["heartbeat"];
    assert_eq!((&heartbeat["agent"], &heartbeat["status"]), (&json!("beats"), &json!("ok")));
    assert_eq!(heartbeat["cost_nanos_usd"], 84_000_000);
}

/// `docs/schema.md`, as far as it is about one run: the summary once, a row for each event, a line for each listing.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cql_client_reads_the_rows() {
    let (target, team) = team().await;
    let (run, event, beat) = reported(&team).await;
    let keyspace = target.servers().settings().keyspace();
    let store = Rows::connect(&Addresses::found().cql).await.unwrap();
    let read = async |what: &str| store.select(&format!("SELECT JSON {what}")).await.unwrap();
    let at = |run: &str| format!("WHERE team = '{}' AND run = '{run}'", team.id);
    let rows = read(&format!("* FROM {keyspace}.runs {}", at(&run))).await;
    let events: Vec<&Value> = rows.iter().filter(|row| row["event"] == json!(event)).collect();
    let [row] = events.as_slice() else { panic!("one row for the event: {rows:?}") };
    assert!(text(row, "body").contains("1000000"), "the event's body as it was sent: {row}");
    let summary = text(row, "summary");
    for part in ["kinds", "c-1", "f-1", "failed"] {
        assert!(summary.contains(part), "no {part} in the summary of {run}: {summary}");
    }
    let position = row["position"].as_i64().expect("the place on the log of the last record");
    assert!(position > 0, "{row}");
    // A run without events is there all the same.
    let bare = read(&format!("* FROM {keyspace}.runs {}", at(&beat))).await;
    assert!(bare.iter().any(|row| row["summary"].is_string()), "{bare:?}");
    let owners = read(&format!("* FROM {keyspace}.event_owners WHERE team = '{}' ALLOW FILTERING", team.id)).await;
    assert_eq!(owners.iter().map(|row| text(row, "event")).collect::<Vec<_>>(), [event]);
    let agents = read(&format!("slug FROM {keyspace}.run_agents WHERE team = '{}'", team.id)).await;
    assert_eq!(agents.iter().map(|row| text(row, "slug")).collect::<Vec<_>>(), ["beats", "kinds"]);
    let of_team = format!("WHERE team = '{}' ALLOW FILTERING", team.id);
    let listed = read(&format!("facet, label, run FROM {keyspace}.run_listing {of_team}")).await;
    for (run, label) in [(&run, "kinds"), (&run, "c-1"), (&run, "f-1"), (&beat, "beats")] {
        let line = |row: &&Value| row["run"] == json!(run) && row["label"] == json!(label);
        assert_eq!(listed.iter().filter(line).count(), 1, "{run} stands once under {label}: {listed:?}");
    }
    let used = read(&format!("* FROM {keyspace}.run_usage {of_team}")).await;
    let units: i64 = used.iter().filter_map(|row| row["units"].as_i64()).sum();
    assert_eq!(units, 4, "a start, an event, a finish and a heartbeat: {used:?}");
    let unpriced = read(&format!("* FROM {keyspace}.unpriced_models {of_team}")).await;
    assert_eq!(unpriced.iter().map(|row| text(row, "model")).collect::<Vec<_>>(), ["m1"]);
}
