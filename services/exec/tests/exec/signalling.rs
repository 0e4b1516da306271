//! Signals reach the command.

use std::io::{BufRead, BufReader};
use std::process::{Child, ChildStdout, Command, Stdio};

use rustix::process::{Pid, Signal, kill_process};

use crate::front_door::{FrontDoor, Mood};
use crate::program_run::Program;

/// A command that says `ready` and then waits for signals.
const WAITS: &str = "trap 'echo term; exit 7' TERM; trap 'echo usr1' USR1; echo ready; while :; do sleep 0.02; done";

struct Started {
    child: Child,
    lines: BufReader<ChildStdout>,
}

impl Started {
    fn start(mut command: Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap());
        Started { child, lines }
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.lines.read_line(&mut line).unwrap();
        line.trim().to_owned()
    }

    fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    fn code(&mut self) -> Option<i32> {
        self.child.wait().unwrap().code()
    }
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    tokio::task::spawn_blocking(work).await.unwrap()
}

#[tokio::test]
async fn a_signal_is_passed_on_and_the_command_decides() {
    let door = FrontDoor::start(Mood::Takes).await;
    let command = Program::at(&door.url).command(&["/bin/sh", "-c", WAITS]);
    let code = blocking(move || {
        let mut started = Started::start(command);
        assert_eq!(started.line(), "ready");
        started.signal(Signal::USR1);
        assert_eq!(started.line(), "usr1");
        started.signal(Signal::TERM);
        assert_eq!(started.line(), "term");
        started.code()
    });
    assert_eq!(code.await, Some(7));
    assert_eq!(door.with_status("fail")[0]["metadata"]["exit_code"], 7);
}

#[tokio::test]
async fn a_command_that_a_signal_ends_is_reported_with_it() {
    for (signal, number) in [(Signal::TERM, 15), (Signal::USR2, 12)] {
        let door = FrontDoor::start(Mood::Takes).await;
        let command = Program::at(&door.url).command(&["/bin/sh", "-c", "echo ready; exec sleep 600"]);
        let code = blocking(move || {
            let mut started = Started::start(command);
            assert_eq!(started.line(), "ready");
            started.signal(signal);
            started.code()
        });
        assert_eq!(code.await, Some(128 + number));
        assert_eq!(door.with_status("fail")[0]["metadata"]["signal"], number);
    }
}

#[tokio::test]
async fn a_signal_that_is_ignored_stays_ignored() {
    let door = FrontDoor::start(Mood::Takes).await;
    let program = Program::at(&door.url);
    let inner = program.command(&["/bin/sh", "-c", WAITS]);
    let mut command = Command::new("nohup");
    command.arg(inner.get_program()).args(inner.get_args()).stdin(Stdio::null()).stderr(Stdio::null());
    let code = blocking(move || {
        let mut started = Started::start(command);
        assert_eq!(started.line(), "ready");
        started.signal(Signal::HUP);
        started.signal(Signal::USR1);
        assert_eq!(started.line(), "usr1", "the hang-up ended nothing");
        started.signal(Signal::TERM);
        assert_eq!(started.line(), "term");
        started.code()
    });
    assert_eq!(code.await, Some(7));
}

#[tokio::test]
async fn a_signal_while_the_end_is_reported_keeps_the_report() {
    let door = FrontDoor::start(Mood::Hangs).await;
    let program = Program::at(&door.url);
    let file = program.spool.path().join("go");
    let line = format!("while [ ! -e '{}' ]; do sleep 0.02; done; exit 3", file.display());
    let mut child = Started::start(program.command(&["/bin/sh", "-c", &line]));
    door.until(1).await;
    std::fs::write(&file, "").unwrap();
    // Neither the start nor the end is answered.
    door.until(2).await;
    let code = blocking(move || {
        child.signal(Signal::TERM);
        child.code()
    });
    assert_eq!(code.await, Some(3));
    assert_eq!(program.waiting().len(), 1);
}
