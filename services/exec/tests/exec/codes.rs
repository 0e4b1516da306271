//! The exit code is the command's, whatever the server does.

use std::os::unix::fs::PermissionsExt;

use crate::front_door::{FrontDoor, Mood};
use crate::program_run::Program;

#[tokio::test]
async fn the_exit_code_is_the_commands() {
    let door = FrontDoor::start(Mood::Takes).await;
    for (line, code, status, signal) in [
        ("exit 0", 0, "ok", None),
        ("exit 3", 3, "fail", None),
        ("exit 255", 255, "fail", None),
        ("kill -9 $$", 137, "fail", Some(9)),
    ] {
        door.bodies().clear();
        let ran = Program::at(&door.url).shell(line).await;
        assert_eq!((ran.code, ran.stderr.as_str()), (Some(code), ""), "{line}");
        let ends = door.with_status(status);
        assert_eq!(ends.len(), 1, "{line}");
        assert_eq!(ends[0]["metadata"]["exit_code"], code, "{line}");
        assert_eq!(ends[0]["metadata"]["signal"].as_i64(), signal, "{line}");
    }
}

#[tokio::test]
async fn what_cannot_be_started_is_a_failure_with_the_shells_code() {
    let door = FrontDoor::start(Mood::Takes).await;
    let program = Program::at(&door.url);
    let file = program.spool.path().join("plain");
    std::fs::write(&file, "no program").unwrap();
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o644)).unwrap();
    for (name, code) in [("/there/is/no/such/program", 127), (file.to_str().unwrap(), 126)] {
        door.bodies().clear();
        let ran = program.run(&[name]).await;
        assert_eq!(ran.code, Some(code), "{name}");
        assert!(ran.stderr.contains(name), "{}", ran.stderr);
        assert_eq!(door.with_status("fail")[0]["metadata"]["exit_code"], code);
    }
}

#[tokio::test]
async fn without_a_usable_credential_or_url_the_command_runs_unreported() {
    let door = FrontDoor::start(Mood::Takes).await;
    for (url, token, named) in [
        (door.url.as_str(), "-", "--token"),
        (&door.url, "ping_eu_short", "ping token"),
        ("nowhere", crate::front_door::TOKEN, "--url"),
    ] {
        let program = Program { token, ..Program::at(url) };
        let ran = program.shell("echo out; exit 9").await;
        assert_eq!((ran.code, ran.stdout.as_str()), (Some(9), "out\n"));
        assert!(ran.stderr.contains(named) && !ran.stderr.contains("short"), "{}", ran.stderr);
        assert!(program.waiting().is_empty());
        assert_eq!(program.run(&["/there/is/no/such/program"]).await.code, Some(127));
    }
    assert!(door.bodies().is_empty());
}
