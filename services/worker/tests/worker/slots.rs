//! How many runs a worker takes.

use serde_json::json;
use tidegate_worker::WorkerError;

use crate::server::Server;
use crate::worker::Worker;

#[tokio::test]
async fn three_slots_run_three_commands_at_once() {
    let server = Server::start().await;
    // None ends before all three run.
    let command = r#"
        : > "$DIR/$AGENTGATE_RUN_ID"
        until [ -e "$DIR/run_1" ] && [ -e "$DIR/run_2" ] && [ -e "$DIR/run_3" ]; do sleep 0.02; done
    "#;
    let worker = Worker::with(&server.url, command, |options| options.parallel = 3);
    server.until("three slots ask", |seen| seen.workers.len() == 3).await;
    for run in ["run_1", "run_2", "run_3"] {
        server.submit(run, json!({}));
    }
    for run in ["run_1", "run_2", "run_3"] {
        assert_eq!(server.finish_of(run).await["status"], "succeeded");
    }
    worker.stop().await.unwrap();
}

#[tokio::test]
async fn one_slot_runs_one_command_after_another() {
    let server = Server::start().await;
    let command = r#"mkdir "$DIR/busy" || exit 1; sleep 0.05; rmdir "$DIR/busy""#;
    let worker = Worker::start(&server, command);
    for run in ["run_1", "run_2", "run_3"] {
        server.submit(run, json!({}));
    }
    for run in ["run_1", "run_2", "run_3"] {
        assert_eq!(server.finish_of(run).await["status"], "succeeded");
    }
    worker.stop().await.unwrap();
}

#[tokio::test]
async fn once_is_one_run_whatever_its_end() {
    let server = Server::start().await;
    server.submit("run_1", json!({}));
    server.submit("run_2", json!({}));
    let worker = Worker::with(&server.url, "exit 3", |options| (options.once, options.parallel) = (true, 3));
    worker.ended().await.unwrap();
    assert_eq!(server.finish_of("run_1").await["status"], "failed");
    assert_eq!(server.seen().leased, ["run_1"]);
}

#[tokio::test]
async fn once_fails_if_the_run_is_not_reported() {
    let server = Server::start().await;
    server.set(|seen| assert!(seen.taken_away.insert("run_1".to_owned())));
    server.submit("run_1", json!({}));
    let worker = Worker::with(&server.url, "true", |options| options.once = true);
    assert!(matches!(worker.ended().await, Err(WorkerError::NotReported)));
}

#[tokio::test]
async fn what_cannot_work_is_refused_at_once() {
    for (url, key) in [("https://127.0.0.1:1", "k"), ("ftp://x", "k"), ("http://127.0.0.1:1", ""), ("http://x", "a\nb")]
    {
        let worker = Worker::with(url, "true", |options| key.clone_into(&mut options.key));
        let error = worker.ended().await.unwrap_err();
        assert!(matches!(error, WorkerError::Url { .. } | WorkerError::Key), "{url}: {error}");
        assert!(!error.to_string().contains("a\nb"));
    }
}
