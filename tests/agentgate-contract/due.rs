//! What is due happens by itself, on a process whose clock is moved: no command comes by which time would pass for the
//! organization.

use serde_json::{Value, json};
use tidegate_tests::clock::{DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS, now_ms};
use tidegate_tests::process::Extra;

use crate::World;
use crate::suite::{Client, Limited, another, eventually, worker};

/// The lease that this worker gets, once a run is queued.
async fn leased(worker: &Client, name: &str) -> Value {
    let asks = json!({ "worker": name, "waitSeconds": 30 });
    let mut lease = Value::Null;
    eventually("a run is leased", async || {
        lease = worker.post("/worker/v1/leases", &asks).await.expect(200).json();
        lease.get("run").is_some()
    })
    .await;
    lease
}

async fn status(client: &Client, run: &str) -> Value {
    client.get(&format!("/v1/runs/{run}")).await.expect(200).json()["status"].clone()
}

/// Waits until a run has failed for its time, at this cost.
async fn times_out(client: &Client, run: &str, credits: u64) {
    eventually("the run has failed", async || status(client, run).await == "failed").await;
    let run = client.get(&format!("/v1/runs/{run}")).await.expect(200).json();
    assert_eq!((&run["error"]["code"], &run["cost"]["credits"]), (&json!("EXECUTION_TIMEOUT"), &json!(credits)));
    assert!(run["timing"]["completedAt"].is_string(), "{run}");
}

/// Milliseconds since 1970 of a time on the wire.
fn at_ms(time: &Value) -> i64 {
    chrono::DateTime::parse_from_rfc3339(time.as_str().unwrap()).unwrap().timestamp_millis()
}

/// AG-43, and our choice: a run fails with `EXECUTION_TIMEOUT` after its third lapse, 30 minutes after its first lease,
/// and 24 hours after its making if no worker has started it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn runs_fail_by_themselves_when_their_time_is_over() {
    let world = World::own(Extra::default()).await;
    let (org, client) = another(&world, Limited::default()).await;
    let worker = worker(&world, &org).await;
    let mut clock_ms = 0;
    let mut pass = async |ms: i64| {
        clock_ms += ms;
        world.target().set_clock_at_once(clock_ms).await;
        clock_ms
    };

    // Each lease ends a minute after its last report, and the third one is the last.
    let run = client.run().await;
    let (mut offset_ms, mut expires_at) = (0, Value::Null);
    for token in 1..=3 {
        let lease = leased(&worker, &format!("worker {token}")).await;
        assert_eq!((&lease["run"], &lease["token"]), (&json!(run), &json!(token)));
        assert_eq!(status(&client, &run).await, "running");
        if token == 1 {
            let progress = json!({ "token": token, "iterations": 2 });
            worker.post(&format!("/worker/v1/runs/{run}/progress"), &progress).await.expect(200);
        }
        expires_at = lease["expiresAt"].clone();
        offset_ms = pass(MINUTE_MS + SECOND_MS).await;
    }
    times_out(&client, &run, 100).await;
    // By the deployment's clock: within twice the lease, which is a minute after its end.
    let late_ms = now_ms() + offset_ms - at_ms(&expires_at);
    assert!(late_ms <= MINUTE_MS, "the run failed up to {late_ms} ms after its last lease's end");
    let ended = client.get(&format!("/v1/runs/{run}")).await.expect(200).json();
    assert_eq!(ended["timing"]["completedAt"], expires_at, "it ends with its last lease: {ended}");
    let shown = world.operate(&["orgs", "show", &org]).await;
    assert_eq!((&shown["openRuns"], &shown["heldCents"]), (&json!(0), &json!(0)), "{shown}");

    // By the submission the lease's end has come, but not the run's.
    let slow = client.run().await;
    assert_eq!(leased(&worker, "slow").await["run"], slow.as_str());
    let waiting = client.run().await;
    pass(20 * MINUTE_MS).await;
    let later = client.run().await;
    assert_eq!(status(&client, &slow).await, "running");
    pass(10 * MINUTE_MS + SECOND_MS).await;
    times_out(&client, &slow, 0).await;

    assert_eq!(status(&client, &waiting).await, "pending");
    pass(DAY_MS - HOUR_MS).await;
    let latest = client.run().await;
    assert_eq!(status(&client, &waiting).await, "pending");
    pass(HOUR_MS - 30 * MINUTE_MS).await;
    times_out(&client, &waiting, 0).await;
    for run in [later, latest] {
        assert_eq!(status(&client, &run).await, "pending");
    }
}
