//! AC-71: the counters of deliveries add up, as operators see them.

use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use serde_json::Value;
use tidegate_agentping_pulse::Edge;

use crate::receiver::{OK, Receiver, Reply};
use crate::rig::{Rig, TEAM, eventually, message, notice, route};

const WAITING: &str = "tidegate_pulse_alerts_waiting";

fn value(page: &PrometheusHandle, series: &str) -> Option<u64> {
    let page = page.render();
    let found = page.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' '));
    found.map(|value| value.parse().unwrap())
}

/// Waits until so many deliveries were made, resent, sent, failed and muted, and so many wait.
async fn counts(page: &PrometheusHandle, expected: [u64; 5], waiting: u64) {
    let [made, resent, sent, failed, muted] = expected;
    assert_eq!(made + resent, sent + failed + muted + waiting, "what is expected adds up");
    let states = ["made", "resent", "sent", "failed", "muted"];
    eventually(&format!("{expected:?}"), async || {
        let count = |state: &str| value(page, &format!("tidegate_pulse_deliveries_total{{state=\"{state}\"}}"));
        states.map(count) == expected.map(Some) && value(page, WAITING) == Some(waiting)
    })
    .await;
}

#[tokio::test]
async fn ac_71_counted_deliveries_add_up() {
    let recorder = PrometheusBuilder::new().build_recorder();
    let page = recorder.handle();
    // All tasks of this test are on its thread.
    let _recording = metrics::set_default_local_recorder(&recorder);
    let fails = Reply::Status(500, "", "no");
    let (rig, receiver, other) = (Rig::new().await, Receiver::start([OK, fails]).await, Receiver::start([OK]).await);
    rig.webhook(1, receiver.url()).await;
    rig.webhook(2, other.url()).await;
    let _running = rig.start();
    counts(&page, [0; 5], 0).await;
    // Openings of a group are none of their own.
    let storm: Vec<_> = (1..=6).map(|agent| message(2, agent, Edge::Firing, 0)).collect();
    rig.put(&storm).await;
    rig.clock.advance_ms(5_000);
    rig.states(2, &["group sent"]).await;
    counts(&page, [1, 0, 1, 0, 0], 0).await;
    rig.put(&[notice(1, 1)]).await;
    rig.states(1, &["firing sent"]).await;
    rig.clock.advance_ms(1);
    rig.put(&[notice(1, 2), notice(1, 1)]).await;
    rig.tried(1, 2).await;
    counts(&page, [3, 0, 2, 0, 0], 1).await;
    rig.clock.advance_ms(1);
    let mute = serde_json::json!({"muted_at_ms": 1, "muted_by": "key", "until_ms": i64::MAX});
    rig.set("mute", "", mute).await;
    rig.put(&[notice(1, 3)]).await;
    counts(&page, [4, 0, 2, 0, 1], 1).await;
    // One that was sent is sent again.
    receiver.answer(OK);
    rig.outbox.resend(TEAM, rig.all(1).await[0].doc.id).await.unwrap().unwrap();
    counts(&page, [4, 1, 3, 0, 1], 1).await;
    // What waits for a route that was deleted is given up.
    rig.set("route", &route(1), Value::Null).await;
    rig.clock.advance_ms(400_000);
    counts(&page, [4, 1, 3, 1, 1], 0).await;
    rig.states(1, &["firing sent", "firing failed", "firing muted"]).await;
}
