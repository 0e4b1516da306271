//! The worker as a program of its own, for the tests that start and kill it: `supervise`, or `work URL KEY COMMAND`. Without
//! arguments it is a command that reports a result.

use std::io::{self, Write};
use std::process::ExitCode;
use std::sync::Arc;

use tidegate_lifecycle::signals::Signals;
use tidegate_worker::{LogLine, LogSink, STOP_GRACE, SupervisorCommand, WorkerOptions, supervise, work};

#[tokio::main]
async fn worker(url: &str, key: &str, command: &str) -> ExitCode {
    let options = WorkerOptions {
        url: url.to_owned(),
        key: key.to_owned(),
        command: command.to_owned(),
        once: false,
        parallel: 1,
        supervisor: SupervisorCommand {
            program: std::env::current_exe().expect("this program has a path").into(),
            arguments: vec!["supervise".into()],
        },
        environment: std::env::vars_os().collect(),
        stop_grace: STOP_GRACE,
    };
    let log: LogSink = Arc::new(|line: &LogLine| drop(writeln!(io::stderr(), "{line}")));
    let mut signals = Signals::listen().expect("signals can be listened to");
    let stop = async move {
        signals.next().await;
    };
    match work(options, stop, log).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["supervise"] => supervise(),
        ["work", url, key, command] => worker(url, key, command),
        [] => {
            let written = writeln!(io::stdout(), r#"{{"status":"succeeded","iterations":5}}"#);
            if written.is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
        }
        _ => ExitCode::from(2),
    }
}
