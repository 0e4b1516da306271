//! The commands that `docs/agentgate/workers.md` shows do what it says.

use std::fs;
use std::process::Command;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::server::Server;
use crate::worker::Worker;

const PAGE: &str = include_str!("../../../../docs/agentgate/workers.md");

/// How the page's example in `language` ends where `verify` verifies.
async fn end_of(language: &str, interpreter: &str, verify: &str) -> Value {
    let (_, after) = PAGE.split_once(&format!("```{language}\n")).unwrap();
    let (text, _) = after.split_once("```").unwrap();
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("example");
    fs::write(&path, text).unwrap();
    let server = Server::start().await;
    let command = format!("VERIFY='{verify}' {interpreter} {}", path.display());
    let worker = Worker::start(&server, &command);
    server.submit("run_1", json!({"taskPrompt": "add a test", "maxIterations": 3}));
    let finish = server.finish_of("run_1").await;
    let logged = worker.lines("stderr: iteration 1").len();
    let verification = server.seen().progress.last().unwrap().1["verification"]["passed"].clone();
    worker.stop().await.unwrap();
    assert_eq!((logged, verification), (1, json!(finish["status"] == "succeeded")), "{finish}");
    finish
}

async fn holds(language: &str, interpreter: &str) {
    let succeeded = json!({"token": 1, "status": "succeeded", "iterations": 1});
    assert_eq!(end_of(language, interpreter, "true").await, succeeded);
    let failed = end_of(language, interpreter, "false").await;
    assert_eq!(failed["error"]["code"], "MAX_ITERATIONS_REACHED");
    assert_eq!((&failed["status"], &failed["iterations"]), (&json!("failed"), &json!(3)));
}

#[tokio::test]
async fn the_command_in_shell_works() {
    holds("sh", "/bin/sh").await;
}

#[tokio::test]
async fn the_command_in_python_works() {
    // Nothing else in the repository's tests needs Python, so a machine may be without it.
    let has_python = Command::new("python3").args(["-c", ""]).status().is_ok_and(|status| status.success());
    if has_python {
        holds("python", "python3").await;
    }
}
