//! Commands that are appended and not decided, in one process: another connection holds the write lock of its store.

use std::collections::BTreeMap;
use std::time::Duration;

use reqwest::Method;
use rusqlite::Connection;
use tidegate_tests::process::Extra;
use tidegate_tests::{eventually, ids};

use crate::World;
use crate::suite::{Answer, Client, Limited, another, git_order};

/// Until a busy process has done what it does in a moment.
const SOON: Duration = Duration::from_secs(60);

/// A client is answered after a second, and requests are shed before that.
const SETTINGS: [(&str, &str); 4] =
    [("WAIT_MS", "1000"), ("SHED_AGE_LEAVE_MS", "300"), ("SHED_AGE_ENTER_MS", "500"), ("SHED_AGE_FULL_MS", "900")];

async fn submit(client: &Client, key: &str) -> Answer {
    let body = git_order().to_string().into_bytes();
    client.send(Method::POST, "/v1/work-orders", &[("idempotency-key", key)], Some(body)).await
}

/// AG-41: what is not decided in time gets 504, what is shed 503, and neither has ids. The first is decided later, and
/// once; the second never.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_not_decided_in_time_is_decided_later_and_what_is_shed_never() {
    let environment = SETTINGS.map(|(name, value)| (format!("TIDEGATE_AGENTGATE__{name}"), value.to_owned())).into();
    let world = World::own(Extra { environment, ..Extra::default() }).await;
    let (_, client) = another(&world, Limited { concurrency: 100, ..Limited::default() }).await;
    let total = async || client.get("/v1/runs").await.expect(200).json()["total"].clone();

    let store = Connection::open(world.target().data_folder().join("agentgate").join("store.db")).unwrap();
    store.busy_timeout(SOON).unwrap();
    store.execute_batch("BEGIN IMMEDIATE").unwrap();
    let mut sent = BTreeMap::new();
    eventually(SOON, "one is not decided in time, and one is shed", async || {
        let key = ids::nonce();
        let answer = submit(&client, &key).await;
        assert!(!answer.text().contains("run_") && !answer.text().contains("wo_"), "{answer}");
        let status = answer.status.as_u16();
        sent.insert(key, status);
        let details = match status {
            503 => {
                assert!(answer.number("retry-after") >= 1, "{answer}");
                answer.refused(503, "SERVICE_UNAVAILABLE")
            }
            _ => answer.refused(504, "TIMEOUT"),
        };
        assert!(details["requestId"].is_string(), "{details}");
        let has = |wanted: u16| sent.values().any(|status| *status == wanted);
        if has(503) && has(504) { Ok(()) } else { Err(format!("{sent:?}")) }
    })
    .await;
    assert_eq!(total().await, 0, "nothing is decided");

    store.execute_batch("ROLLBACK").unwrap();
    let appended = sent.values().filter(|status| **status == 504).count();
    eventually(SOON, "what was appended is decided", async || match total().await {
        runs if runs == appended => Ok(()),
        runs => Err(format!("{runs} runs of {appended}")),
    })
    .await;
    for (key, status) in &sent {
        let mut resends = 0;
        let answer = eventually(SOON, "it is taken", async || {
            resends += 1;
            match submit(&client, key).await {
                answer if answer.status.is_server_error() => Err(answer.to_string()),
                answer => Ok(answer.expect(201)),
            }
        })
        .await;
        let replayed = answer.header("idempotency-replayed");
        match (*status, resends) {
            (503, 1) => assert_eq!(replayed, None, "{key}: what was shed was not decided: {answer}"),
            // An earlier resend, which was not decided in time, may have been decided since.
            (503, _) => {}
            _ => assert_eq!(replayed, Some("true"), "{key}: {answer}"),
        }
    }
    assert_eq!(total().await, sent.len());
}
