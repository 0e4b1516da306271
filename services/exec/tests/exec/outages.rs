//! A server that is down, refuses or hangs changes nothing for the command, and loses no report.

use std::path::PathBuf;

use tokio::net::TcpSocket;

use crate::front_door::{FrontDoor, Mood};
use crate::program_run::Program;

/// A line of the shell that ends once these files are gone, or after a minute. While a command runs, old reports have
/// all the time that they take.
fn until_gone(files: &[PathBuf]) -> String {
    let gone: Vec<String> = files.iter().map(|file| format!("[ ! -e '{}' ]", file.display())).collect();
    format!("for i in $(seq 3000); do {} && exit 0; sleep 0.02; done", gone.join(" && "))
}

#[tokio::test]
async fn a_report_to_a_dead_port_is_sent_by_the_next_run() {
    // The port is reserved, and nothing listens on it yet.
    let reserved = TcpSocket::new_v4().unwrap();
    reserved.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let address = reserved.local_addr().unwrap();
    let program = Program { tail: "100", ..Program::at(&format!("http://{address}")) };
    for code in [1, 2] {
        let ran = program.shell(&format!("echo {code}; exit {code}")).await;
        assert_eq!((ran.code, ran.stdout), (Some(code), format!("{code}\n")));
        assert!(ran.stderr.contains("next run sends it"), "{}", ran.stderr);
    }
    assert_eq!(program.waiting().len(), 2);
    let door = FrontDoor::on(reserved.listen(16).unwrap(), Mood::Takes);
    assert_eq!(program.shell(&until_gone(&program.waiting())).await.code, Some(0));
    let old = door.with_status("fail");
    let codes: Vec<_> = old.iter().map(|end| end["metadata"]["exit_code"].clone()).collect();
    assert_eq!(codes, [1, 2], "the oldest first");
    assert_eq!(old[1]["output"], "2\n");
    assert_eq!(door.with_status("ok").len(), 1);
    assert!(program.waiting().is_empty());
}

#[tokio::test]
async fn a_server_that_hangs_delays_nothing_for_long() {
    let door = FrontDoor::start(Mood::Hangs).await;
    let program = Program { within_ms: "100", ..Program::at(&door.url) };
    let ran = program.shell("exit 5").await;
    assert_eq!(ran.code, Some(5));
    assert!(ran.stderr.contains("no answer within 100 ms"), "{}", ran.stderr);
    assert_eq!(program.waiting().len(), 1);
}

#[tokio::test]
async fn what_may_be_taken_later_is_kept_without_the_credential() {
    for status in [401, 429, 500, 503] {
        let door = FrontDoor::start(Mood::Refuses(status)).await;
        let program = Program::at(&door.url);
        assert_eq!(program.shell("exit 8").await.code, Some(8));
        let kept = std::fs::read_to_string(&program.waiting()[0]).unwrap();
        assert!(kept.contains("\"exit_code\":8") && !kept.contains("ping_"), "{kept}");
        door.set(Mood::Takes);
        assert_eq!(program.shell(&until_gone(&program.waiting())).await.code, Some(0));
        assert!(program.waiting().is_empty(), "{status}");
    }
}

#[tokio::test]
async fn an_old_report_that_is_refused_for_good_does_not_block_the_others() {
    let door = FrontDoor::start(Mood::Refuses(503)).await;
    let program = Program::at(&door.url);
    program.shell("exit 8").await;
    door.set(Mood::Refuses(400));
    // The run's own report is refused as well, which is no reason to send old ones.
    program.shell("exit 0").await;
    assert_eq!(program.waiting().len(), 1);
    let file = program.waiting().remove(0);
    let broken = file.with_file_name("000000000000001-broken.json");
    std::fs::write(&broken, "{").unwrap();
    door.set(Mood::Takes);
    program.shell(&until_gone(&[file])).await;
    assert_eq!(program.waiting(), [broken]);
}

#[tokio::test]
async fn a_folder_that_cannot_be_written_changes_nothing_for_the_command() {
    let door = FrontDoor::start(Mood::Refuses(503)).await;
    let program = Program::at(&door.url);
    std::fs::remove_dir(program.spool.path()).unwrap();
    std::fs::write(program.spool.path(), "a file").unwrap();
    let ran = program.shell("exit 8").await;
    assert_eq!(ran.code, Some(8));
    assert!(ran.stderr.contains("cannot be kept"), "{}", ran.stderr);
    std::fs::remove_file(program.spool.path()).unwrap();
    std::fs::create_dir(program.spool.path()).unwrap();
}
