//! Every role of a distributed deployment goes on without its standard output and error.

use tidegate_tests::process::{Stream, Streams};
use tidegate_tests::stack::Settings;
use tidegate_tests::{Plan, Target, Team, eventually};

use crate::{BINARY, PATIENCE};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_role_serves_and_stops_without_its_streams() {
    for streams in [
        Streams { output: Stream::Full, errors: Stream::Full },
        Streams { output: Stream::Closed, errors: Stream::Closed },
        Streams { output: Stream::Stalled, errors: Stream::Stalled },
    ] {
        let target = Target::on_the_stack(BINARY, &Settings { streams, ..Settings::small() }).await;
        let team = Team::create(target.deployment(), Plan::UNLIMITED).await;
        let run = team.run_id();
        let body = serde_json::json!({"id": run, "agent": "nightly", "started_at": "2026-05-01T00:00:00Z"});
        team.start(&body).await.expect(202);
        team.stored_run(&run).await;
        if streams.errors != Stream::Stalled {
            let lost = async || target.metrics().await.sum("tidegate_log_lines_dropped_total", &[]);
            // Each of the three logs that it starts.
            eventually(PATIENCE, "every role counts what is lost", async || match lost().await {
                lost @ 0..3 => Err(format!("{lost} lines")),
                _ => Ok(()),
            })
            .await;
        }
        assert!(target.stop().await, "{streams:?}: a role did not end with 0 on SIGTERM");
    }
}

/// Kafka's client reports on threads of its own; it gets no calls while the brokers are down.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_lines_of_kafkas_client_come_while_the_role_runs() {
    let target = Target::on_the_stack(BINARY, &Settings::small()).await;
    let [port] = tidegate_tests::process::free_ports();
    let control = target.servers().named("control");
    assert!(control.stop().await, "{}", control.log());
    let before = control.log().len();
    control.arm(&[("TIDEGATE_KAFKA__BROKERS", &format!("127.0.0.1:{port}"))]);
    control.start().await;
    eventually(PATIENCE, "the client's lines are in the log", async || {
        assert!(!control.has_ended(), "{}", control.log());
        let log = control.log().split_off(before);
        if log.contains(r#""target":"librdkafka""#) { Ok(()) } else { Err(log) }
    })
    .await;
}
