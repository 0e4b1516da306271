//! When log lines cannot be written, only the lines are lost.

use std::net::TcpListener;
use std::process::Command;

use futures_util::future::join_all;
use tidegate_tests::external::without_own_variables;
use tidegate_tests::process::{Extra, Stream, Streams};
use tidegate_tests::team::ping_path;
use tidegate_tests::{Plan, Target, Team, eventually};

use crate::{BINARY, PATIENCE};

const DROPPED: &str = "tidegate_log_lines_dropped_total";

fn loud(streams: Streams) -> Extra {
    let environment = vec![("TIDEGATE_TELEMETRY__LEVEL".to_owned(), "debug".to_owned())];
    Extra { environment, streams, ..Extra::default() }
}

/// Pings, each of them answered, while probes are. Half of them are refused, and a refusal is a line at `debug`.
async fn serves(target: &Target, pings: usize) {
    let team = Team::create(target.deployment(), Plan::UNLIMITED).await;
    let path = ping_path(&team.key, &[("agent", "nightly")]);
    let unsigned = "/v1/ping?agent=nightly";
    for _ in 0..pings / 100 {
        for (path, status) in [(path.as_str(), 200), (unsigned, 401)] {
            for answer in join_all((0..50).map(|_| team.bare("GET", path).send())).await {
                assert_eq!(answer.status, status, "{answer}");
            }
        }
        for probe in ["healthz", "readyz"] {
            team.client.get(&format!("{}/{probe}", target.ops[0])).send().await.expect(200);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_standard_error_that_takes_nothing_costs_lines_which_are_counted() {
    for errors in [Stream::Full, Stream::Closed] {
        let target = Target::dev_with(BINARY, loud(Streams { errors, ..Streams::default() })).await;
        serves(&target, 300).await;
        eventually(PATIENCE, "lost lines are counted", async || match target.metrics().await.sum(DROPPED, &[]) {
            0 => Err("none is".to_owned()),
            _ => Ok(()),
        })
        .await;
        assert!(target.stop().await, "{errors:?}: SIGTERM did not end it with 0");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reader_that_stalls_holds_no_request_no_probe_and_no_stop() {
    let target = Target::dev_with(BINARY, loud(Streams { errors: Stream::Stalled, ..Streams::default() })).await;
    serves(&target, 3_000).await;
    assert!(target.stop().await, "SIGTERM did not end it with 0");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_log_that_is_written_loses_nothing() {
    let target = Target::dev_with(BINARY, loud(Streams::default())).await;
    serves(&target, 300).await;
    assert_eq!(target.metrics().await.sum(DROPPED, &[]), 0);
    assert!(target.stop().await);
    let log = target.log();
    for first_and_last in ["\"ready\"", "\"stopped\""] {
        assert!(log.contains(first_and_last), "{first_and_last} is not in {log}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_standard_output_that_takes_nothing_costs_the_demo_teams_secrets() {
    for output in [Stream::Full, Stream::Closed, Stream::Stalled] {
        let target =
            Target::dev_with(BINARY, Extra { streams: Streams { output, ..Streams::default() }, ..Extra::default() })
                .await;
        if output != Stream::Stalled {
            eventually(PATIENCE, "the secrets are revoked", async || {
                for list in ["keys", "tokens"] {
                    let (_, rows, err) = target.try_manage(&[list, "list", "--team", "demo"]).await;
                    if !rows.contains(r#""revoked_at":"20"#) {
                        return Err(format!("{rows}{err}"));
                    }
                }
                Ok(())
            })
            .await;
        }
        serves(&target, 100).await;
        assert!(target.stop().await, "{output:?}: SIGTERM did not end it with 0");
        let log = target.log();
        let told = log.matches("could not be printed").count();
        assert_eq!(told, if output == Stream::Stalled { 0 } else { 2 }, "{log}");
    }
}

/// Whatever the level; machines read the log of a service, and what stands between its lines is lost on them.
#[test]
fn why_a_service_could_not_start_is_a_line_like_the_others() {
    let (folder, taken) = (tempfile::tempdir().unwrap(), TcpListener::bind("127.0.0.1:0").unwrap());
    let (data, port) = (folder.path().to_str().unwrap(), taken.local_addr().unwrap().to_string());
    let mut command = Command::new(BINARY);
    without_own_variables(&mut command);
    command.env("TIDEGATE_TELEMETRY__LEVEL", "off").args(["dev", "--data", data, "--listen", &port]);
    let ended = command.output().unwrap();
    assert_eq!(ended.status.code(), Some(1), "{ended:?}");
    let line: serde_json::Value = serde_json::from_slice(&ended.stderr).unwrap();
    assert_eq!(line["level"], "ERROR");
    assert!(line["message"].as_str().is_some_and(|message| message.contains(&port)), "{line}");
}
