//! What is reported, and when.

use std::process::Stdio;

use crate::front_door::{FrontDoor, Mood, TOKEN};
use crate::program_run::Program;

#[tokio::test]
async fn the_start_is_reported_while_the_command_runs() {
    let door = FrontDoor::start(Mood::Takes).await;
    let program = Program::at(&door.url);
    let file = program.spool.path().join("go");
    let line = format!("while [ ! -e '{}' ]; do sleep 0.02; done; exit 4", file.display());
    let mut child = program.command(&["/bin/sh", "-c", &line]).spawn().unwrap();
    door.until(1).await;
    let start = door.bodies()[0].clone();
    assert_eq!(start["status"], "start");
    assert!(start.get("finished_at").is_none());
    std::fs::write(&file, "").unwrap();
    let status = tokio::task::spawn_blocking(move || child.wait()).await.unwrap().unwrap();
    assert_eq!(status.code(), Some(4));
    let end = door.with_status("fail").remove(0);
    for same in ["id", "agent", "started_at"] {
        assert_eq!(start[same], end[same], "{same}");
    }
    assert_eq!(end["agent"], "nightly");
    assert!(end["duration_ms"].is_u64() && end["finished_at"].as_str() >= end["started_at"].as_str());
    assert!(end.get("output").is_none());
    assert_eq!(door.bodies().len(), 2);
}

#[tokio::test]
async fn the_command_knows_its_run_and_has_its_environment_and_input() {
    let door = FrontDoor::start(Mood::Takes).await;
    let program = Program::at(&door.url);
    let mut command = program.command(&["/bin/sh", "-c", "cat; echo $AGENTPING_PARENT_RUN $OWN"]);
    command.env("OWN", "kept").stdin(Stdio::piped()).stdout(Stdio::piped());
    let output = tokio::task::spawn_blocking(move || {
        let mut child = command.spawn().unwrap();
        std::io::Write::write_all(&mut child.stdin.take().unwrap(), b"in ").unwrap();
        child.wait_with_output().unwrap()
    });
    let stdout = String::from_utf8(output.await.unwrap().stdout).unwrap();
    assert_eq!(stdout, format!("in {} kept\n", door.with_status("ok")[0]["id"].as_str().unwrap()));
}

#[tokio::test]
async fn a_report_that_is_refused_for_good_is_said_and_not_kept() {
    let door = FrontDoor::start(Mood::Refuses(400)).await;
    let program = Program::at(&door.url);
    let ran = program.shell("exit 6").await;
    assert_eq!(ran.code, Some(6));
    assert!(ran.stderr.contains("the end is not reported: 400 the_code: the message"), "{}", ran.stderr);
    assert!(!ran.stderr.contains(TOKEN));
    assert!(program.waiting().is_empty());
}
