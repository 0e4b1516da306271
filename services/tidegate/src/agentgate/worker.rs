//! `tidegate agentgate worker`.

use std::io::Write;
use std::process::ExitCode;
use std::sync::Arc;

use tidegate_lifecycle::signals::Signals;
use tidegate_worker::{LogLine, LogSource, STOP_GRACE, SupervisorCommand, WorkerError, WorkerOptions, work};

use crate::cli::WorkerArgs;
use crate::failure::Failure;
use crate::process::{no_runtime, signals};

/// The hidden command that supervises one command of a worker.
pub const SUPERVISE: &str = "supervise-command";

/// Works until a signal, or with `--once` until one run has ended.
///
/// # Errors
/// The worker's.
pub fn run(args: WorkerArgs) -> Result<ExitCode, Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(no_runtime)?;
    let program = std::env::current_exe()
        .map_err(|error| Failure::unavailable(format!("this program is not found: {error}")).caused_by(error))?;
    let supervisor = SupervisorCommand { program: program.into(), arguments: vec![SUPERVISE.into()] };
    let options = WorkerOptions {
        url: args.url,
        key: args.key,
        command: args.exec,
        once: args.once,
        parallel: usize::from(args.parallel),
        supervisor,
        environment: std::env::vars_os().collect(),
        stop_grace: STOP_GRACE,
    };
    runtime.block_on(async {
        let mut signals: Signals = signals()?;
        work(options, async { _ = signals.next().await }, Arc::new(log)).await.map_err(Failure::from)
    })?;
    Ok(ExitCode::SUCCESS)
}

/// One line on standard error. An error of the write is ignored.
fn log(line: &LogLine) {
    let source = match line.source {
        LogSource::Worker => "",
        LogSource::CommandOutput => "out: ",
        LogSource::CommandErrors => "err: ",
    };
    let text = match &line.run {
        Some(run) => format!("{run}: {source}{}\n", line.text),
        None => format!("{source}{}\n", line.text),
    };
    _ = std::io::stderr().write_all(text.as_bytes());
}

impl From<WorkerError> for Failure {
    fn from(error: WorkerError) -> Self {
        let text = error.to_string();
        match error {
            WorkerError::Url { .. } | WorkerError::Key => Failure::config(text),
            WorkerError::KeyRefused(_) => {
                Failure::refused(text).or_else("make one with `tidegate agentgate worker-keys create`")
            }
            WorkerError::NoClient(_)
            | WorkerError::NoRandomness(_)
            | WorkerError::NotReported
            | WorkerError::SlotEnded(_) => Failure::unavailable(text),
        }
        .caused_by(error)
    }
}
