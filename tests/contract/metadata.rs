//! Metadata: flat, bounded, merged; and empty lists that mean empty objects.

use serde_json::{Map, Value, json};
use tidegate_tests::wire;

use crate::team;

fn keys(count: usize) -> Value {
    Value::Object((0..count).map(|n| (format!("k{n}"), json!(n))).collect::<Map<_, _>>())
}

/// Our choice: at most 50 keys of 1 to 64 bytes, texts of at most 1,024 bytes, 8 KiB in all, nothing nested.
#[tokio::test]
async fn metadata_has_limits() {
    let (_target, team) = team().await;
    let one = |key: String, value: Value| Value::Object(Map::from_iter([(key, value)]));
    let wide = |bytes: usize| {
        Value::Object((0..10).map(|n| (format!("key-{n}"), json!("x".repeat(bytes)))).collect::<Map<_, _>>())
    };
    let accepted = [
        json!({}),
        keys(50),
        one("k".repeat(64), json!(1)),
        one("text".to_owned(), json!("x".repeat(1_024))),
        json!({"text": "t", "number": 1.5, "yes": true, "nothing": null}),
        wide(780),
    ];
    for metadata in accepted {
        let run = team.run_id();
        team.start(&wire::with(wire::start(&run, "meta"), "metadata", metadata.clone())).await.expect(202);
        assert_eq!(team.stored_run(&run).await["metadata"], metadata);
    }
    let refused = [
        keys(51),
        one("k".repeat(65), json!(1)),
        one("é".repeat(33), json!(1)),
        one(String::new(), json!(1)),
        one("text".to_owned(), json!("x".repeat(1_025))),
        one("text".to_owned(), json!("é".repeat(513))),
        json!({"nested": {"a": 1}}),
        json!({"list": [1]}),
        json!({"empty": []}),
        wide(1_000),
        json!(["a"]),
        json!("text"),
        json!(7),
    ];
    for metadata in refused {
        let start = wire::with(wire::start(&team.run_id(), "meta"), "metadata", metadata.clone());
        let answer = team.start(&start).await.expect(400).json();
        assert_eq!(answer["error"], "invalid_field", "start {metadata}: {answer}");
        assert!(answer["field"].as_str().unwrap().starts_with("metadata"), "start {metadata}: {answer}");
        let finish = wire::with(wire::finish(), "metadata", metadata.clone());
        let answer = team.finish(&team.run_id(), &finish).await.expect(400).json();
        assert_eq!(answer["error"], "invalid_field", "finish {metadata}: {answer}");
        let answer = team.heartbeat(&json!({"agent": "meta", "metadata": metadata})).await.expect(400).json();
        assert_eq!(answer["error"], "invalid_field", "heartbeat {metadata}: {answer}");
    }
}

/// Our choice: a finish's metadata is merged over the start's, and its keys win.
#[tokio::test]
async fn finish_metadata_is_merged_over_the_starts() {
    let (_target, team) = team().await;
    let run = team.run_id();
    let start = wire::with(wire::start(&run, "meta"), "metadata", json!({"kept": 1, "replaced": "old"}));
    team.start(&start).await.expect(202);
    let finish = wire::with(wire::finish(), "metadata", json!({"replaced": "new", "added": true}));
    team.finish(&run, &finish).await.expect(202);
    let stored = team.closed_run(&run).await;
    assert_eq!(stored["metadata"], json!({"kept": 1, "replaced": "new", "added": true}));
}

/// AP-69: an empty list for `data`, `metadata`, `output` or `scores` is read as an empty object.
#[tokio::test]
async fn an_empty_list_is_an_empty_object() {
    let (_target, team) = team().await;
    let run = team.run_id();
    team.start(&wire::with(wire::start(&run, "php"), "metadata", json!([]))).await.expect(202);
    let event = wire::with(wire::log_event(&team.event_id()), "data", json!([]));
    team.batch(&run, std::slice::from_ref(&event)).await.expect(202);
    team.batch(&run, &[wire::with(event, "data", json!({}))]).await.expect(200);
    let mut finish = wire::finish();
    for member in ["output", "scores", "metadata"] {
        finish = wire::with(finish, member, json!([]));
    }
    team.finish(&run, &finish).await.expect(202);
    let stored = team.closed_run(&run).await;
    assert_eq!(stored["events"][0]["data"], json!({}));
    for member in ["metadata", "output", "scores"] {
        assert!(stored[member].is_null() || stored[member] == json!({}), "{member}: {stored}");
    }
    let heartbeat = json!({"agent": "php", "metadata": [], "output": []});
    let run = team.heartbeat(&heartbeat).await.expect(202).json()["id"].as_str().unwrap().to_owned();
    let stored = team.stored_run(&run).await;
    for member in ["metadata", "output"] {
        assert!(stored[member].is_null() || stored[member] == json!({}), "{member}: {stored}");
    }
}
