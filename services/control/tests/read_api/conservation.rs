//! The view of the operations port, and the metrics.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use metrics_exporter_prometheus::PrometheusBuilder;
use reqwest::Client;
use serde_json::{Value, json};
use tidegate_agentping::RunKey;
use tidegate_agentping_inproc::noted_accounts::MemoryNotedAccounts;
use tidegate_agentping_ports::NotedAccounts;
use tidegate_conservation::Conservation;
use tidegate_control::conservation::{Shown, routes};
use tidegate_door::{ServeOptions, serve};
use tidegate_inproc::clock::TestClock;
use tidegate_inproc::log::{MemoryLog, MemoryLogOptions};
use tidegate_ports::{Account, Accounts, Append, Fate, ReadLog};
use tokio::net::TcpListener;

use crate::house::*;

const DEADLINE: Duration = Duration::from_secs(10);

/// A log of one partition with so many records, of which the first two are settled.
async fn kept(records: u128) -> (MemoryLog, MemoryNotedAccounts) {
    let options = MemoryLogOptions { partitions: 1, ..MemoryLogOptions::default() };
    let log = MemoryLog::new(options, Arc::new(TestClock::at(at(NOON))));
    for number in 0..records {
        log.append(RunKey { team: team(1), run: run_id(number) }.log_key(), Bytes::from_static(b"{}")).await.unwrap();
    }
    let accounts = MemoryNotedAccounts::default();
    let mut account = Account::opened(1, 0, 0);
    account.count(0, Fate::Stored);
    account.count(1, Fate::Dead);
    accounts.settle(account).await.unwrap();
    (log, accounts)
}

fn conservation(log: Option<MemoryLog>, accounts: impl NotedAccounts) -> Arc<Conservation> {
    let log = log.map(|log| Arc::new(log) as Arc<dyn ReadLog>);
    Arc::new(Conservation::new(Arc::new(accounts), log, Arc::new(TestClock::at(at(NOON))), DEADLINE))
}

async fn shown(conservation: Arc<Conservation>) -> Value {
    let shown = Shown { agentping: Some(conservation), apis: Vec::new() };
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/v1/conservation", listener.local_addr().unwrap());
    tokio::spawn(serve(listener, routes(shown), ServeOptions::default(), std::future::pending()));
    let answer = Client::new().get(url).send().await.unwrap();
    assert_eq!(answer.status(), 200);
    serde_json::from_str(&answer.text().await.unwrap()).unwrap()
}

#[tokio::test]
async fn the_view_shows_sums_and_partitions() {
    let (log, accounts) = kept(5).await;
    let sums = json!({
        "accepted": 5, "stored": 1, "duplicate": 0, "conflict": 0, "dead": 1, "in_flight": 3, "difference": 0,
    });
    let mut row = json!({"generation": 1, "partition": 0, "from": 0, "next": 2, "first": 0, "end": 5});
    row.as_object_mut().unwrap().extend(sums.as_object().unwrap().clone());
    let expected = json!({"read_at": NOON, "adds_up": true, "log": {"known": true}, "sample": null, "total": sums, "partitions": [row]});
    assert_eq!(shown(conservation(Some(log), accounts)).await, expected);
}

#[tokio::test]
async fn a_log_that_is_not_known_is_said_to_be_so() {
    let (_, accounts) = kept(0).await;
    let told = shown(conservation(None, accounts)).await;
    assert_eq!((&told["adds_up"], &told["log"]["known"]), (&Value::Null, &json!(false)));
    assert!(told["log"]["why"].as_str().unwrap().contains("configuration"), "{told}");
    assert_eq!((&told["total"]["accepted"], &told["total"]["in_flight"]), (&Value::Null, &Value::Null));
    assert_eq!((&told["total"]["stored"], &told["partitions"][0]["end"]), (&json!(1), &Value::Null));
}

#[tokio::test]
async fn what_does_not_add_up_is_told() {
    // The log has forgotten the second record, which was settled.
    let (log, accounts) = kept(1).await;
    let told = shown(conservation(Some(log), accounts)).await;
    assert_eq!((&told["adds_up"], &told["total"]["difference"]), (&json!(false), &json!(-1)));
}

/// One pass of the watch, as a scrape then sees it.
fn published(log: Option<MemoryLog>, accounts: MemoryNotedAccounts) -> String {
    let recorder = PrometheusBuilder::new().build_recorder();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    metrics::with_local_recorder(&recorder, || {
        // In memory nothing waits: the first pass is over before the watch can be stopped.
        runtime.block_on(conservation(log, accounts).watch(async { tokio::task::yield_now().await }));
    });
    recorder.handle().render()
}

#[test]
fn the_metrics_say_the_same() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let (log, accounts) = runtime.block_on(kept(5));
    let page = published(Some(log), accounts.clone());
    for line in [
        r#"tidegate_conservation_records{state="accepted"} 5"#,
        r#"tidegate_conservation_records{state="stored"} 1"#,
        r#"tidegate_conservation_records{state="duplicate"} 0"#,
        r#"tidegate_conservation_records{state="conflict"} 0"#,
        r#"tidegate_conservation_records{state="dead"} 1"#,
        r#"tidegate_conservation_records{state="in_flight"} 3"#,
        r#"tidegate_conservation_difference{generation="1",partition="0"} 0"#,
        r#"tidegate_log_end_offset{generation="1",partition="0"} 5"#,
        r#"tidegate_job_failures_total{task="conservation"} 0"#,
    ] {
        assert!(page.contains(&format!("{line}\n")), "{line} is not in\n{page}");
    }
    let blind = published(None, accounts);
    assert!(!blind.contains("accepted") && !blind.contains("in_flight") && !blind.contains("end_offset"), "{blind}");
    assert!(blind.contains(r#"tidegate_conservation_difference{generation="1",partition="0"} 0"#), "{blind}");
}
