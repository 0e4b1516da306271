//! Runs a command and reports its start and its end to AgentPing, without changing what the command does.
//!
//! [`exec`] starts the command at once and reports while it runs. Its exit code is the command's, whatever becomes of
//! the reports. The report of the end waits at most [`ExecOptions::report_within`]; one that is not taken by then is
//! [kept](spool) in a file, and the next run of the same agent sends it.

mod job;
mod options;
mod output;
mod report;
mod reporter;
mod server;
mod signals;
mod spool;
mod status;

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Instant;

use tidegate_ports::{Clock, Ids};

use crate::job::Job;
pub use crate::options::{ExecOptions, MAX_TAIL_BYTES, NoteSink, REPORT_WITHIN, TAIL_BYTES};
use crate::report::{End, Report};
use crate::reporter::{RUN_VARIABLE, Reporter};
use crate::signals::Forwarded;
use crate::status::{JobStatus, not_started};

/// Runs the command of `options` and returns its exit code: its own, or 128 plus the number of the signal that ended it,
/// 127 if there is no such command, and 126 if it cannot be started.
///
/// What goes wrong with the reports is said on `note` and changes nothing else. If nothing can be reported at all
/// (no credential, a URL that is none), the command takes this process's place.
pub fn exec(options: &ExecOptions, clock: Arc<dyn Clock>, ids: &dyn Ids, note: &NoteSink) -> ExitCode {
    let reporter = match Reporter::new(options, clock, ids, note.clone()) {
        Ok(reporter) => reporter,
        Err(why) => {
            note(&format!("the command runs, and nothing is reported: {why}"));
            return unreported(options, note);
        }
    };
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            note(&format!("the command runs, and nothing is reported: there is no runtime: {error}"));
            return unreported(options, note);
        }
    };
    let code = runtime.block_on(reported(options, reporter, note));
    // A look-up of a name that hangs must not delay the end.
    runtime.shutdown_background();
    ExitCode::from(code)
}

/// The command in this process's place.
fn unreported(options: &ExecOptions, note: &NoteSink) -> ExitCode {
    let error = job::replace(&options.command);
    note(&format!("{}: {error}", options.program()));
    ExitCode::from(not_started(&error))
}

async fn reported(options: &ExecOptions, reporter: Reporter, note: &NoteSink) -> u8 {
    let reporter = Arc::new(reporter);
    let begun = Instant::now();
    let mut signals = Forwarded::listen();
    let run = reporter.run().to_string();
    let started = Job::start(options, (RUN_VARIABLE, &run), signals.is_at_terminal());
    let reporting = tokio::spawn(reporter.clone().report_start());
    let (status, tail) = match started {
        Ok(job) => job.end(&mut signals).await,
        Err(error) => {
            note(&format!("{}: {error}", options.program()));
            (JobStatus::not_started(&error), None)
        }
    };
    let took = begun.elapsed();
    // What is left of it is in the report of the end.
    reporting.abort();
    let report = Report::end(&reporter.start, End { finished_at: reporter.now(), took, status, tail });
    tokio::select! {
        biased;
        () = signals.asked_to_end() => reporter.keep(&report, "asked to end"),
        () = reporter.report_end(&report) => {}
    }
    status.exit_code()
}
