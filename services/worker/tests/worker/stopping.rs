//! Nothing is left running: after a cancel, a lost lease, the worker's stop and its death, and its supervisor's.

use std::process::{Command, Stdio};

use serde_json::json;
use tempfile::TempDir;

use crate::processes::{group, is_running};
use crate::server::{KEY, Server};
use crate::worker::{PROGRAM, Worker, until};

/// A command that ignores SIGTERM, with a child in its group, and one that has left the group and its parent.
const STUBBORN: &str = r#"
    trap '' TERM
    sleep 1000 &
    setsid sh -c 'trap "" TERM; echo $$ > "$DIR/daemon"; sleep 1000; true' &
    echo $$ > "$DIR/group"
    echo '{"iterations":1}'
    sleep 1000
    sleep 1000
"#;

/// Waits until [`STUBBORN`] runs. Returns its group and its daemon.
async fn stubborn(worker: &Worker) -> (String, String) {
    let found = (worker.file("group").await, worker.file("daemon").await);
    assert!(group(&found.0).len() >= 2 && is_running(&found.1));
    found
}

async fn none_left((id, daemon): &(String, String)) {
    until("the group is empty", || group(id).is_empty()).await;
    until("the daemon has ended", || !is_running(daemon)).await;
}

#[tokio::test]
async fn a_cancel_ends_the_command() {
    let server = Server::start().await;
    server.set(|seen| seen.lease_s = 1);
    let worker = Worker::start(&server, STUBBORN);
    server.submit("run_1", json!({}));
    let left = stubborn(&worker).await;
    server.set(|seen| assert!(seen.cancelled.insert("run_1".to_owned())));
    none_left(&left).await;
    until("it is logged", || worker.lines("run_1 cancelled").len() == 1).await;
    worker.stop().await.unwrap();
    assert!(server.seen().finishes.is_empty(), "a cancelled run has its end");
}

#[tokio::test]
async fn a_lost_lease_ends_the_command() {
    let server = Server::start().await;
    server.set(|seen| {
        seen.lease_s = 1;
        seen.taken_away.insert("run_1".to_owned());
    });
    let worker = Worker::start(&server, r#"sleep 1000 & echo $$ > "$DIR/group"; wait"#);
    server.submit("run_1", json!({}));
    let id = worker.file("group").await;
    until("the group is empty", || group(&id).is_empty()).await;
    until("it is logged", || worker.lines("409 STALE_TOKEN").len() == 1).await;
    worker.stop().await.unwrap();
    assert!(server.seen().finishes.is_empty());
}

#[tokio::test]
async fn a_stop_leaves_nothing_running_and_the_run_to_others() {
    let server = Server::start().await;
    let worker = Worker::start(&server, STUBBORN);
    server.submit("run_1", json!({}));
    let left = stubborn(&worker).await;
    server.submit("run_2", json!({}));
    worker.stop().await.unwrap();
    assert!(group(&left.0).is_empty() && !is_running(&left.1), "nothing is left once the worker has ended");
    let seen = server.seen();
    assert_eq!((seen.finishes.len(), &seen.leased[..]), (0, &["run_1".to_owned()][..]));
}

#[tokio::test]
async fn a_command_may_clean_up_after_a_stop() {
    let server = Server::start().await;
    let command = r#"
        trap 'echo cleaned > "$DIR/cleaned"; exit 0' TERM
        echo $$ > "$DIR/group"
        while true; do sleep 0.02; done
    "#;
    let worker = Worker::with(&server.url, command, |options| options.stop_grace = crate::server::DEADLINE);
    server.submit("run_1", json!({}));
    worker.file("group").await;
    worker.begin_stop();
    assert_eq!(worker.file("cleaned").await, "cleaned");
    worker.ended().await.unwrap();
    assert!(server.seen().finishes.is_empty(), "exit code 0 after a stop is no success");
}

#[tokio::test]
async fn a_line_of_a_log_with_a_status_is_no_result_of_a_command_that_is_stopped() {
    let server = Server::start().await;
    let command = r#"
        trap 'exit 0' TERM
        echo '{"level":"info","status":"succeeded","step":"lint"}'
        echo $$ > "$DIR/group"
        while true; do sleep 0.02; done
    "#;
    let worker = Worker::start(&server, command);
    server.submit("run_1", json!({}));
    worker.file("group").await;
    worker.stop().await.unwrap();
    assert!(server.seen().finishes.is_empty(), "another worker takes the run up");
}

#[tokio::test]
async fn a_result_that_was_written_before_a_stop_is_reported() {
    let server = Server::start().await;
    let command = r#"echo '{"status":"succeeded","iterations":3}'; echo $$ > "$DIR/group"; sleep 1000"#;
    let worker = Worker::start(&server, command);
    server.submit("run_1", json!({}));
    worker.file("group").await;
    worker.stop().await.unwrap();
    let expected = json!({"token": 1, "status": "succeeded", "iterations": 3});
    assert_eq!(server.finish_of("run_1").await, expected);
}

#[tokio::test]
async fn what_a_command_leaves_behind_ends_with_it() {
    let server = Server::start().await;
    let worker = Worker::start(&server, r#"sleep 1000 & setsid sleep 1000 & echo "$$ $!" > "$DIR/left""#);
    server.submit("run_1", json!({}));
    assert_eq!(server.finish_of("run_1").await["status"], "succeeded");
    let left = worker.file("left").await;
    let (id, daemon) = left.split_once(' ').unwrap();
    assert!(group(id).is_empty() && !is_running(daemon), "nothing is left once the run is reported");
    worker.stop().await.unwrap();
}

#[tokio::test]
async fn a_killed_worker_leaves_nothing_running() {
    let server = Server::start().await;
    let folder = TempDir::new().unwrap();
    let mut process = Command::new(PROGRAM)
        .args(["work", &server.url, KEY, STUBBORN])
        .env("DIR", folder.path())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    server.submit("run_1", json!({}));
    server.until("progress", |seen| !seen.progress.is_empty()).await;
    let read = |name: &str| std::fs::read_to_string(folder.path().join(name)).unwrap_or_default().trim().to_owned();
    until("the daemon runs", || !read("daemon").is_empty()).await;
    let left = (read("group"), read("daemon"));
    assert!(!group(&left.0).is_empty() && is_running(&left.1));
    process.kill().unwrap();
    process.wait().unwrap();
    none_left(&left).await;
}

#[tokio::test]
async fn a_killed_supervisor_leaves_nothing_running_and_the_worker_goes_on() {
    let server = Server::start().await;
    let command = format!(
        r#"
        if [ "$AGENTGATE_RUN_ID" = run_2 ]; then
            echo '{{"status":"succeeded","iterations":1}}'
            exit 0
        fi
        echo $PPID > "$DIR/supervisor"
        {STUBBORN}
        "#
    );
    // A child of the worker's process that is none of the command.
    let mut other = Command::new("sleep").arg("1000").env("AGENTGATE_RUN_ID", "run_1").spawn().unwrap();
    let worker = Worker::start(&server, &command);
    server.submit("run_1", json!({}));
    let left = stubborn(&worker).await;
    let supervisor = worker.file("supervisor").await;
    Command::new("/bin/kill").args(["-KILL", &supervisor]).status().unwrap();
    none_left(&left).await;
    until("it is logged", || worker.lines("its supervisor was ended by others").len() == 1).await;
    let went_on = other.try_wait().unwrap().is_none();
    other.kill().unwrap();
    other.wait().unwrap();
    assert!(went_on, "a process that is none of the command was killed");
    server.submit("run_2", json!({}));
    assert_eq!(server.finish_of("run_2").await["status"], "succeeded");
    worker.stop().await.unwrap();
    assert_eq!(server.seen().finishes.len(), 1, "run_1 is left to its next lease");
}

#[tokio::test]
async fn a_signal_to_all_processes_of_a_service_fails_no_run() {
    let server = Server::start().await;
    let folder = TempDir::new().unwrap();
    let mut process = Command::new(PROGRAM)
        .args(["work", &server.url, KEY, r#"echo $PPID $$ > "$DIR/pids"; echo '{"iterations":1}'; sleep 1000"#])
        .env("DIR", folder.path())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    server.submit("run_1", json!({}));
    server.until("progress", |seen| !seen.progress.is_empty()).await;
    let pids = std::fs::read_to_string(folder.path().join("pids")).unwrap();
    let (supervisor, id) = pids.trim().split_once(' ').unwrap();
    let worker = process.id().to_string();
    let kill = |arguments: &[&str]| Command::new("/bin/kill").args(arguments).status().unwrap();
    // The worker goes on once all have the signal: it must not see its command end long before its own turn comes.
    assert!(kill(&["-STOP", &worker]).success());
    // It complains if the supervisor has ended with its command before its turn comes.
    kill(&["-TERM", "--", &format!("-{id}"), supervisor, &worker]);
    assert!(kill(&["-CONT", &worker]).success());
    let mut status = None;
    until("the worker ends", || {
        status = process.try_wait().unwrap();
        status.is_some()
    })
    .await;
    assert!(status.is_some_and(|status| status.success()));
    assert!(group(id).is_empty() && !is_running(supervisor));
    assert!(server.seen().finishes.is_empty(), "another worker takes the run up");
}
