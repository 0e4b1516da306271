//! `dead-letters`: what a foreign producer leaves behind, and what a release could not read, is found with all that is
//! known of it.

use serde_json::{Value, json};
use tidegate_tests::process::Extra;
use tidegate_tests::stack::Settings;
use tidegate_tests::{Deployment, Plan, Target, Team, eventually};

use crate::{BINARY, PATIENCE, foreign};

const GARBAGE: &[u8] = b"\x00\xff not a record \x1b[2J";

/// Waits for this many dead letters.
async fn letters(at: &Deployment, count: usize) -> Vec<Value> {
    eventually(PATIENCE, "the letters are there", async || {
        let rows = at.manage(&["dead-letters", "list"]).await;
        let rows = rows.as_array().expect("an array").clone();
        if rows.len() == count { Ok(rows) } else { Err(format!("{} of {count}: {rows:?}", rows.len())) }
    })
    .await
}

async fn found(at: &Deployment, filter: &[&str]) -> Vec<String> {
    let rows = at.manage(&[&["dead-letters", "list"], filter].concat()).await;
    let position = |row: &Value| row["position"].as_str().expect("a position").to_owned();
    rows.as_array().expect("an array").iter().map(position).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_foreign_record_keeps_its_key_headers_and_attempt() {
    let settings = Settings::small();
    let target = Target::on_the_stack(BINARY, &settings).await;
    let team = Team::create(target.deployment(), Plan::UNLIMITED).await;
    let topic = settings.records_topic();
    let key = format!("{}/run_eu_0190000000007000800000000000abcd", team.id);
    foreign::append(&topic, 1, key.as_bytes(), &[("trace", b"00-4bf9"), ("trace", b""), ("bin", b"\xfe\x00")], GARBAGE);
    let replayed: [(&str, &[u8]); 2] = [("tidegate-replayed-from", b"1/4/77"), ("tidegate-attempt", b"3")];
    foreign::append(&topic, 4, b"", &replayed, br#"{"v":99,"body":{"start":{"agent":"nightly"}}}"#);
    let nowhere: [(&str, &[u8]); 1] = [("tidegate-replayed-from", b"\xffnowhere")];
    foreign::append(&topic, 5, b"\xff", &nowhere, b"");
    let rows = letters(&target, 3).await;
    let positions: Vec<&str> = rows.iter().filter_map(|row| row["position"].as_str()).collect();
    assert_eq!(positions, ["1/1/0", "1/4/0", "1/5/0"]);
    // The log names places as commands do.
    for position in positions {
        eventually(PATIENCE, &format!("{position} is in the log"), async || {
            let log = target.log();
            let logged = log.lines().any(|line| line.contains("cannot be applied") && line.contains(position));
            if logged { Ok(()) } else { Err(log) }
        })
        .await;
    }
    let told = |member: &str| rows.iter().map(|row| row[member].clone()).collect::<Vec<_>>();
    assert_eq!(told("attempt"), [1, 3, 1].map(Value::from), "what cannot be read counts as no replay");
    assert_eq!(told("replayed_from"), [Value::Null, json!("1/4/77"), Value::Null]);
    assert_eq!(told("team"), [json!(team.id), Value::Null, Value::Null], "the key tells the team");
    assert_eq!(told("kind"), [Value::Null, json!("start"), Value::Null]);

    let whole = target.manage(&["dead-letters", "show", "1/1/0"]).await;
    assert_eq!((&whole["key"], &whole["payload_bytes"]), (&json!({"text": key}), &json!(GARBAGE.len())));
    let headers = json!([
        {"name": "trace", "value": {"text": "00-4bf9"}},
        {"name": "trace", "value": {"text": ""}},
        {"name": "bin", "value": {"hex": "fe00"}},
    ]);
    assert_eq!(whole["headers"], headers);
    let hex: String = GARBAGE.iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(whole["payload"], json!({"hex": hex}));
    let reason = whole["reason"].as_str().expect("a reason");
    assert!(!reason.is_empty(), "{whole}");

    // For people: everything in words, and nothing that their terminal obeys.
    let text = String::from_utf8(target.command(&["dead-letters", "show", "1/1/0"]).await.stdout).expect("text");
    for part in [key.as_str(), "trace: 00-4bf9", "bin: \\xfe\\u{0}", "\\xff not a record \\u{1b}[2J", "1/1/0", reason] {
        assert!(text.contains(part), "no '{part}' in:\n{text}");
    }
    assert!(!text.contains('\u{1b}'), "{text:?}");
    let replay = String::from_utf8(target.command(&["dead-letters", "show", "1/4/0"]).await.stdout).expect("text");
    assert!(replay.contains("3, replayed from 1/4/77"), "{replay}");
    let raw = target.command(&["dead-letters", "show", "1/1/0", "--raw"]).await;
    assert_eq!(raw.stdout, GARBAGE, "byte for byte");

    let name = Team::create(target.deployment(), Plan::UNLIMITED).await;
    for (filter, positions) in [
        (vec!["--team", &team.id], vec!["1/1/0"]),
        (vec!["--team", &name.id], vec![]),
        (vec!["--agent", "nightly"], vec!["1/4/0"]),
        (vec!["--kind", "start"], vec!["1/4/0"]),
        (vec!["--kind", "finish"], vec![]),
        (vec!["--limit", "2"], vec!["1/1/0", "1/4/0"]),
    ] {
        assert_eq!(found(&target, &filter).await, positions, "{filter:?}");
    }
    let (ok, _, err) = target.try_manage(&["dead-letters", "show", "1/1/7"]).await;
    assert!(!ok && err.contains("there is no dead letter of 1/1/7") && err.contains("dead-letters list"), "{err}");
    // What could not be applied holds nothing up.
    team.heartbeat(&json!({"agent": "after"})).await.expect(202);
    target.at_rest().await;
}

/// A release that can read nothing dead-letters; the folder shows what, while it runs.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_folder_tells_its_letters_beside_the_service() {
    let variable = ("FAILPOINTS".to_owned(), "persister::decode_fails=return".to_owned());
    let target = Target::dev_with(BINARY, Extra { environment: vec![variable], ..Extra::default() }).await;
    let team = Team::create(target.deployment(), Plan::UNLIMITED).await;
    let run = team.run_id();
    team.heartbeat(&json!({"id": run, "agent": "nightly", "metadata": {"k": "v"}})).await.expect(202);
    team.finish(&team.run_id(), &json!({"status": "success"})).await.expect(202);
    let rows = letters(&target, 2).await;
    let of = |kind: &str| rows.iter().find(|row| row["kind"] == kind).unwrap_or_else(|| panic!("no {kind}: {rows:?}"));
    let (beat, finish) = (of("heartbeat"), of("finish"));
    assert_eq!([&beat["team"], &beat["run"], &beat["agent"]], [&json!(team.id), &json!(run), &json!("nightly")]);
    assert_eq!(
        [&finish["agent"], &finish["replayed_from"], &finish["attempt"]],
        [&Value::Null, &Value::Null, &json!(1)]
    );
    let position = beat["position"].as_str().expect("a position");
    for filter in [["--agent", "nightly"], ["--kind", "heartbeat"]] {
        assert_eq!(found(&target, &filter).await, [position], "{filter:?}");
    }
    assert_eq!(found(&target, &["--team", &team.id]).await.len(), 2);
    let name = target.manage(&["teams", "list"]).await;
    let name = name.as_array().expect("teams").iter().find(|row| row["id"] == team.id.as_str()).expect("the team");
    assert_eq!(found(&target, &["--team", name["name"].as_str().expect("a name")]).await.len(), 2, "by name too");
    let whole = target.manage(&["dead-letters", "show", position]).await;
    let record: Value = serde_json::from_str(whole["payload"]["text"].as_str().expect("text")).expect("the record");
    assert_eq!(record["body"]["heartbeat"]["metadata"], json!({"k": "v"}));
    let raw = target.command(&["dead-letters", "show", position, "--raw"]).await;
    assert_eq!(serde_json::from_slice::<Value>(&raw.stdout).expect("the record"), record);
}
