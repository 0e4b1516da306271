//! One run from its lease to its report.

use std::pin::pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tidegate_lifecycle::Stop;
use tokio::sync::watch;
use tokio::time::{Instant, sleep, sleep_until, timeout};

use crate::api::{Api, CallFailure, Finish, Lease};
use crate::backoff::Backoff;
use crate::command::{CommandEvent, Running};
use crate::key_patience::KeyPatience;
use crate::latest::Latest;
use crate::log::{LogLine, LogSink, LogSource};
use crate::options::WorkerOptions;
use crate::output::{OutputLine, Said, said};
use crate::renewal::{Ended, Renewed, renew};
use crate::report;
use crate::said_results::SaidResults;

/// How long the last progress, and verifications that wait, may take once the command has ended.
const LAST_PROGRESS_DEADLINE: Duration = Duration::from_secs(5);
/// How long a finish is tried beyond the end of its lease. The server takes it if no other worker has the run by then.
const FINISH_MARGIN: Duration = Duration::from_secs(60);
/// How long a finish is tried once the worker stops.
const STOPPED_FINISH: Duration = Duration::from_secs(5);
/// Exit codes of a command that SIGINT or SIGTERM ended.
const SIGNALLED: [i32; 2] = [130, 143];
/// A service's stop may signal commands and worker at once. A command that a signal has ended may be the first to show.
const SIGNAL_GAP: Duration = Duration::from_secs(1);
/// Characters that the log has of the names of members that are ignored.
const MOST_NAMED_CHARS: usize = 200;
/// Bytes of the log that a run's output takes. More is read, but not logged.
const MOST_LOGGED_BYTES: usize = 16 * 1024 * 1024;

/// What became of a run.
#[derive(Debug, PartialEq, Eq)]
pub enum RunEnd {
    /// The server knows how it ended.
    Reported,
    /// The server does not know: the lease lapses, or is another worker's.
    NotReported,
    /// The command could not be started here.
    NotStarted,
}

/// What a slot lends to its runs.
pub struct Surroundings<'a> {
    pub api: &'a Api,
    pub options: &'a WorkerOptions,
    pub log: &'a LogSink,
    pub stop: &'a Stop,
}

/// Runs the command for `lease`. When it returns, the command and its descendants have ended.
pub async fn run(around: &Surroundings<'_>, lease: &Lease) -> RunEnd {
    let log = |text: String| (around.log)(&LogLine::of_run(&lease.run, text));
    let mut command = match Running::start(around.options, lease).await {
        Ok(command) => command,
        Err(error) => {
            log(format!("the command could not be started, the lease will lapse: {error}"));
            return RunEnd::NotStarted;
        }
    };
    log(format!("started, grant {}", lease.token));
    let mut output = Output::of(&lease.run, around.log, MOST_LOGGED_BYTES);
    let (progress, latest) = watch::channel(Latest::default());
    let sent_verifications = AtomicU64::new(0);
    let mut renewals = pin!(renew(around.api, lease, latest, &sent_verifications, around.log));
    let mut stopped = pin!(around.stop.clone().stopped());
    let (mut renewed, mut is_stopping) = (None, false);
    let exit_code = loop {
        tokio::select! {
            event = command.next() => match event {
                CommandEvent::Wrote(source, line) => {
                    if output.take(source, &line) {
                        progress.send_replace(output.latest.clone());
                    }
                }
                CommandEvent::Ended(exit_code) => break exit_code,
            },
            end = &mut renewals, if renewed.is_none() => {
                renewed = Some(end);
                command.stop();
            }
            () = &mut stopped, if !is_stopping => {
                is_stopping = true;
                command.stop();
            }
        }
    };
    drop(progress);
    if !is_stopping && !output.results.has_exact() && exit_code.is_some_and(|code| SIGNALLED.contains(&code)) {
        is_stopping = timeout(SIGNAL_GAP, stopped).await.is_ok();
    }
    let renewed = match renewed {
        Some(renewed) => renewed,
        None => {
            // Whatever becomes of the last progress, the end of the run is reported next.
            let unknown = |_| Renewed { ended: None, lease_ends: Instant::now() + lease.length };
            timeout(LAST_PROGRESS_DEADLINE, renewals).await.unwrap_or_else(unknown)
        }
    };
    let unsent = output.latest.unsent(sent_verifications.load(Ordering::Relaxed));
    if renewed.ended.is_none() && unsent > 0 {
        // The last one may have arrived, without an answer in time.
        log(format!("{unsent} verifications were not sent"));
    }
    match (renewed.ended, exit_code) {
        (Some(Ended::Cancelled), _) => {
            log("cancelled".to_owned());
            RunEnd::Reported
        }
        (Some(Ended::Lost(why)), _) => {
            log(format!("no longer this worker's: {why}"));
            RunEnd::NotReported
        }
        (None, None) => {
            log("its supervisor was ended by others; the lease will lapse".to_owned());
            RunEnd::NotReported
        }
        (None, Some(_)) if is_stopping && !output.results.has_exact() => {
            log("stopped without a result; its lease will lapse, and another worker takes it up".to_owned());
            RunEnd::NotReported
        }
        (None, Some(exit_code)) => {
            let results = output.results;
            let iterations = output.latest.iterations;
            let said = if is_stopping { results.of_stopped() } else { results.of_ended(exit_code, iterations) };
            let body = report::finish(lease.token, said, exit_code, iterations);
            let until = renewed.lease_ends.max(Instant::now()) + FINISH_MARGIN;
            finish(around, lease, body, until).await
        }
    }
}

/// What a command has written.
struct Output<'a> {
    run: &'a str,
    log: &'a LogSink,
    most_logged_bytes: usize,
    logged_bytes: usize,
    results: SaidResults,
    /// Whether the log has that members of a result are ignored.
    has_noted: bool,
    latest: Latest,
}

impl<'a> Output<'a> {
    fn of(run: &'a str, log: &'a LogSink, most_logged_bytes: usize) -> Self {
        let latest = Latest::default();
        let results = SaidResults::default();
        Output { run, log, most_logged_bytes, logged_bytes: 0, results, has_noted: false, latest }
    }

    /// Takes a line. Returns whether it is progress.
    fn take(&mut self, source: LogSource, line: &OutputLine) -> bool {
        let said = if source == LogSource::CommandOutput { said(line) } else { Said::Text };
        if source == LogSource::CommandOutput && !matches!(said, Said::Result { .. }) {
            self.results.take_other(&line.bytes);
        }
        match said {
            Said::Progress { iterations, verification } => {
                self.latest.take(iterations, verification);
                true
            }
            Said::Result { result, ignored } => {
                self.note_ignored(&ignored);
                self.results.take(result);
                false
            }
            Said::Text => {
                self.log(source, line);
                false
            }
        }
    }

    /// Once for each run.
    fn note_ignored(&mut self, members: &[String]) {
        if members.is_empty() || self.has_noted {
            return;
        }
        self.has_noted = true;
        let names: String = members.join(", ").chars().take(MOST_NAMED_CHARS).collect();
        let text = format!("its result has members that results do not have, or not so; they are ignored: {names}");
        (self.log)(&LogLine::of_run(self.run, text));
    }

    fn log(&mut self, source: LogSource, line: &OutputLine) {
        let most = self.most_logged_bytes;
        if self.logged_bytes > most {
            return;
        }
        let line = LogLine::of_command(self.run, source, &line.bytes, line.is_cut);
        // As the line is logged: an empty one takes bytes, too, and a control character several.
        self.logged_bytes += line.bytes();
        (self.log)(&line);
        if self.logged_bytes > most {
            let text = format!("wrote more than {most} bytes; the rest of its output is not logged");
            (self.log)(&LogLine::of_run(self.run, text));
        }
    }
}

/// Reports the end of a run, again and again until `until`, or for a short while once the worker stops.
async fn finish(around: &Surroundings<'_>, lease: &Lease, mut body: Finish, until: Instant) -> RunEnd {
    let log = |text: String| (around.log)(&LogLine::of_run(&lease.run, text));
    let mut backoff = Backoff::default();
    let mut patience = KeyPatience::default();
    let mut is_replaced = false;
    let mut given_up = pin!(async {
        tokio::select! {
            () = sleep_until(until) => {}
            () = async {
                around.stop.clone().stopped().await;
                sleep(STOPPED_FINISH).await;
            } => {}
        }
    });
    loop {
        let result = tokio::select! {
            result = around.api.finish(&lease.run, &body) => result,
            () = &mut given_up => break,
        };
        let wait = match result {
            Ok(()) => {
                log(body.status.to_owned());
                return RunEnd::Reported;
            }
            Err(CallFailure::Lost(why)) => {
                log(format!("no longer this worker's: {why}"));
                return RunEnd::NotReported;
            }
            Err(CallFailure::KeyRefused(why)) if patience.refused() => {
                log(format!("{}, but the server refuses the worker key: {why}", body.status));
                return RunEnd::NotReported;
            }
            Err(CallFailure::Refused(why)) if is_replaced => {
                log(format!("the server refuses its end: {why}"));
                return RunEnd::NotReported;
            }
            Err(CallFailure::Refused(why)) => {
                log(format!("the server refuses the command's result, the run fails: {why}"));
                is_replaced = true;
                body = report::after_refusal(&body, &why);
                continue;
            }
            Err(CallFailure::Away { retry_after, .. }) => backoff.failed(retry_after),
            Err(CallFailure::KeyRefused(_)) => backoff.failed(None),
        };
        tokio::select! {
            () = sleep(wait) => {}
            () = &mut given_up => break,
        }
    }
    log(format!("{}, but the server could not be reached in time; its lease lapses", body.status));
    RunEnd::NotReported
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;

    #[test]
    fn a_flood_is_logged_up_to_a_bound_whatever_its_lines_hold() {
        const MOST: usize = 10_000;
        let lines: [&[u8]; 4] = [b"", b"y", &[0; 40], &[b'x'; 300]];
        for bytes in lines {
            let logged = Arc::new(Mutex::new(Vec::new()));
            let kept = logged.clone();
            let log: LogSink = Arc::new(move |line| kept.lock().unwrap().push(line.to_string()));
            let mut output = Output::of("run_1", &log, MOST);
            let line = OutputLine { bytes: bytes.to_vec(), is_cut: false };
            for _ in 0..2_000 {
                assert!(!output.take(LogSource::CommandOutput, &line));
            }
            let logged = logged.lock().unwrap();
            let in_all: usize = logged.iter().map(String::len).sum();
            assert!(in_all < MOST + 1_000, "{in_all} bytes of lines of {}", bytes.len());
            assert_eq!(logged.iter().filter(|line| line.ends_with("is not logged")).count(), 1);
        }
    }
}
