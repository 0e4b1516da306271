//! Output passes unchanged; its end is reported if that is asked for.

use std::io::{BufRead, BufReader};
use std::process::Stdio;

use crate::front_door::{FrontDoor, Mood, TOKEN};
use crate::program_run::Program;

#[tokio::test]
async fn the_end_of_the_output_is_reported_and_all_of_it_passes() {
    let door = FrontDoor::start(Mood::Takes).await;
    let program = Program { tail: "40", ..Program::at(&door.url) };
    let ran = program.shell("head -c 300000 /dev/zero | tr '\\0' x; echo; echo the end; exit 2").await;
    assert_eq!(ran.code, Some(2));
    assert_eq!(ran.stdout, format!("{}\nthe end\n", "x".repeat(300_000)));
    assert_eq!(door.with_status("fail")[0]["output"], format!("{}\nthe end\n", "x".repeat(31)));
}

#[tokio::test]
async fn standard_error_is_a_part_of_it_and_keeps_its_stream() {
    let door = FrontDoor::start(Mood::Takes).await;
    let program = Program { tail: "100", ..Program::at(&door.url) };
    let ran = program.shell("echo oops >&2").await;
    assert_eq!((ran.stdout.as_str(), ran.stderr.as_str()), ("", "oops\n"));
    assert_eq!(door.with_status("ok")[0]["output"], "oops\n");
}

#[tokio::test]
async fn the_credential_is_not_reported_with_the_output() {
    let door = FrontDoor::start(Mood::Takes).await;
    let program = Program { tail: "1000", ..Program::at(&door.url) };
    let ran = program.run(&["/bin/echo", "key", TOKEN]).await;
    assert_eq!(ran.stdout, format!("key {TOKEN}\n"));
    assert_eq!(door.with_status("ok")[0]["output"], "key [credential]\n");
}

#[tokio::test]
async fn a_process_that_is_left_running_does_not_hold_the_end_up() {
    let door = FrontDoor::start(Mood::Takes).await;
    let program = Program { tail: "100", ..Program::at(&door.url) };
    let ran = program.shell("sleep 600 & echo $!; exit 3").await;
    assert_eq!(ran.code, Some(3));
    assert_eq!(door.with_status("fail")[0]["output"], ran.stdout);
    let left = rustix::process::Pid::from_raw(ran.stdout.trim().parse().unwrap()).unwrap();
    rustix::process::kill_process(left, rustix::process::Signal::KILL).unwrap();
}

#[tokio::test]
async fn a_reader_that_leaves_ends_the_command_as_it_would_without() {
    let door = FrontDoor::start(Mood::Takes).await;
    let program = Program { tail: "100", ..Program::at(&door.url) };
    let mut command = program.command(&["yes"]);
    let code = tokio::task::spawn_blocking(move || {
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        assert_eq!(line, "y\n");
        child.wait().unwrap().code()
    });
    // 128 + SIGPIPE.
    assert_eq!(code.await.unwrap(), Some(141));
    assert_eq!(door.with_status("fail")[0]["metadata"]["signal"], 13);
}
