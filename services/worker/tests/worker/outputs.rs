//! What a command is given, and what it may write.

use std::os::unix::fs::symlink;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::server::{KEY, Server};
use crate::worker::{PROGRAM, Worker};

/// A work order of 1 MiB.
fn large() -> Value {
    json!({"taskPrompt": "x".repeat(1024 * 1024)})
}

#[tokio::test]
async fn a_command_may_leave_a_large_work_order_unread() {
    let server = Server::start().await;
    let worker = Worker::start(&server, "exec <&-; echo done");
    server.submit("run_1", large());
    assert_eq!(server.finish_of("run_1").await["status"], "succeeded");
    assert_eq!(worker.lines("stdout: done").len(), 1);
    worker.stop().await.unwrap();
}

#[tokio::test]
async fn a_command_reads_the_work_order_whole() {
    let server = Server::start().await;
    let worker = Worker::start(&server, r#"cat > "$DIR/order""#);
    server.submit("run_1", large());
    assert_eq!(server.finish_of("run_1").await["status"], "succeeded");
    let order: Value = serde_json::from_str(&worker.file("order").await).unwrap();
    assert_eq!(order, large());
    worker.stop().await.unwrap();
}

#[tokio::test]
async fn a_command_knows_its_run_and_not_the_key() {
    let server = Server::start().await;
    let worker = Worker::start(&server, r#"env > "$DIR/env""#);
    server.submit("run_1", json!({}));
    server.finish_of("run_1").await;
    let env = worker.file("env").await;
    for expected in ["AGENTGATE_RUN_ID=run_1", "AGENTGATE_WORK_ORDER_ID=wo_run_1", "PATH="] {
        assert!(env.lines().any(|line| line.starts_with(expected)), "{expected} in {env}");
    }
    assert!(!env.contains(KEY), "{env}");
    worker.stop().await.unwrap();
}

#[tokio::test]
async fn an_executable_is_run_without_a_shell() {
    let server = Server::start().await;
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("a command; exit 1");
    symlink(PROGRAM, &path).unwrap();
    let worker = Worker::start(&server, path.to_str().unwrap());
    server.submit("run_1", json!({}));
    let expected = json!({"token": 1, "status": "succeeded", "iterations": 5});
    assert_eq!(server.finish_of("run_1").await, expected);
    worker.stop().await.unwrap();
}

#[tokio::test]
async fn what_is_no_report_is_logged() {
    let server = Server::start().await;
    let command = r#"
        head -c 100000 /dev/urandom
        echo
        head -c 3000000 /dev/zero | tr '\0' 'x'
        echo
        echo '{"iterations":1,"level":"info"}'
        printf '\033[2Jred\n'
        echo 'a warning' >&2
        echo '{"status":"failed"}' >&2
        echo '{"iterations":2}'
        printf 'without an end'
    "#;
    let worker = Worker::start(&server, command);
    server.submit("run_1", json!({}));
    let expected = json!({"token": 1, "status": "succeeded", "iterations": 2});
    assert_eq!(server.finish_of("run_1").await, expected);
    for line in [
        "run_1 stdout: {\"iterations\":1,\"level\":\"info\"}",
        "run_1 stdout: \\u{1b}[2Jred",
        "run_1 stderr: a warning",
        "run_1 stderr: {\"status\":\"failed\"}",
        "run_1 stdout: without an end",
    ] {
        assert_eq!(worker.lines(line), [line]);
    }
    let long = worker.lines("xxxx");
    assert!(long.len() == 1 && long[0].len() < 10_000 && long[0].ends_with("(cut)"), "{long:?}");
    worker.stop().await.unwrap();
}

#[tokio::test]
async fn a_command_that_does_not_exist_fails_its_run() {
    let server = Server::start().await;
    let worker = Worker::start(&server, "/nowhere/no-such-command");
    server.submit("run_1", json!({}));
    let finish = server.finish_of("run_1").await;
    assert_eq!((&finish["status"], &finish["error"]["details"]["exitCode"]), (&json!("failed"), &json!(127)));
    worker.stop().await.unwrap();
}
