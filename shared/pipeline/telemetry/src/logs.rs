//! Log lines on standard error: text for a terminal, JSON for machines.
//!
//! Each line goes to a [bounded queue](queue), which one [thread](writer) writes. If standard error is full, closed or
//! not read, lines are lost and counted; requests, probes and the stop do not wait for it. Warnings and errors that
//! repeat a cause are printed [every five seconds with a count](repeats).

mod events;
mod queue;
mod repeats;
mod shape;
mod writer;

use std::io::{self, IsTerminal, Write};
use std::str::FromStr;
use std::sync::{Arc, LazyLock, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};
use std::{fmt, panic, thread};

use tracing::callsite::Identifier;
use tracing::{Dispatch, dispatcher};
use tracing_subscriber::EnvFilter;

use events::Limited;
use queue::{Bounds, Queue};
use repeats::Repeats;
use shape::Shape;
use writer::{Offering, Writer};

/// How log lines are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LogFormat {
    /// [`LogFormat::Text`] when standard error is a terminal, else [`LogFormat::Json`].
    #[default]
    Auto,
    Text,
    Json,
}

/// A text that names no format.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown log format '{0}': the formats are auto, text, json")]
pub struct UnknownFormat(pub String);

impl FromStr for LogFormat {
    type Err = UnknownFormat;

    fn from_str(text: &str) -> Result<Self, UnknownFormat> {
        match text {
            "auto" => Ok(LogFormat::Auto),
            "text" => Ok(LogFormat::Text),
            "json" => Ok(LogFormat::Json),
            _ => Err(UnknownFormat(text.to_owned())),
        }
    }
}

impl fmt::Display for LogFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            LogFormat::Auto => "auto",
            LogFormat::Text => "text",
            LogFormat::Json => "json",
        })
    }
}

/// What to log and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogSettings {
    /// A level (`error`, `warn`, `info`, `debug`, `trace`), or directives such as `info,tidegate_ingest=debug`.
    pub level: String,
    pub format: LogFormat,
}

impl Default for LogSettings {
    fn default() -> Self {
        LogSettings { level: "info".to_owned(), format: LogFormat::Auto }
    }
}

/// Why logging could not be set up.
#[derive(Debug, thiserror::Error)]
pub enum LogsError {
    #[error(
        "'{level}' is no log level: give error, warn, info, debug or trace, or directives such as info,tidegate_ingest=debug"
    )]
    Level { level: String },
    #[error("logging is set up already in this process")]
    AlreadySet,
    #[error("cannot start the thread that writes log lines: {0}")]
    Thread(#[from] io::Error),
}

impl LogSettings {
    /// Checks that the level is valid, without setting anything up.
    ///
    /// # Errors
    /// [`LogsError::Level`].
    pub fn check(&self) -> Result<(), LogsError> {
        self.filter().map(drop)
    }

    fn filter(&self) -> Result<EnvFilter, LogsError> {
        let wrong = || LogsError::Level { level: self.level.clone() };
        // A bare word parses as a module name: with `inof` only the module `inof` would be logged.
        let known = |word: &str| {
            ["off", "error", "warn", "info", "debug", "trace"].iter().any(|level| level.eq_ignore_ascii_case(word))
        };
        if self.level.split(',').any(|directive| !directive.contains('=') && !known(directive.trim())) {
            return Err(wrong());
        }
        EnvFilter::try_new(&self.level).map_err(|_| wrong())
    }
}

/// Everything between an event and standard error.
struct Logs {
    queue: Queue,
    repeats: Mutex<Repeats<Identifier>>,
    shape: Shape,
}

/// The process's logging, once it is set up.
static LOGS: OnceLock<Arc<Logs>> = OnceLock::new();

/// Sends the process's log lines, and its panics, to standard error.
///
/// # Errors
/// [`LogsError`].
pub fn install(settings: &LogSettings) -> Result<(), LogsError> {
    let filter = settings.filter()?;
    let terminal = io::stderr().is_terminal();
    let shape = settings.format.shape(terminal);
    let logs = Logs::begin(io::stderr(), shape, Bounds::default(), clock)?;
    LOGS.set(logs.clone()).map_err(|_| LogsError::AlreadySet)?;
    let dispatch = dispatch(filter, terminal, logs, clock);
    dispatcher::set_global_default(dispatch).map_err(|_| LogsError::AlreadySet)?;
    panic::set_hook(Box::new(|panic| {
        // Without the subscriber, locks or foreign code, so that a panic within the formatting of a line is logged too.
        let location = panic.location().map(ToString::to_string).unwrap_or_default();
        let what = panic.payload_as_str().unwrap_or("something without a text");
        failed(&format!("a task panicked at {location}: {what}"));
    }));
    Ok(())
}

/// Prints why the process or a part of it failed, as a log line at every level. Before logging is set up it is a plain
/// line.
pub fn failed(text: &str) {
    match LOGS.get() {
        Some(logs) => logs.queue.offer(logs.shape.line("ERROR", text).as_bytes()),
        None => plain(format!("error: {text}\n").as_bytes()),
    }
}

/// Prints whole lines for people on standard error, in their order among the log lines. Never blocks once logging is
/// set up, and never fails.
pub fn plain(lines: &[u8]) {
    match LOGS.get() {
        Some(logs) => logs.queue.offer(lines),
        // A failed write to standard error cannot be reported anywhere.
        None => drop(io::stderr().write_all(lines)),
    }
}

/// Waits until all lines are written or lost; `false` if that took longer than `deadline`. Call it last: other threads
/// may still log after it.
pub fn flush(deadline: Duration) -> bool {
    LOGS.get().is_none_or(|logs| {
        logs.print_rest();
        logs.queue.flush(deadline)
    })
}

/// Lines that were lost since the start, because too many waited or because writing failed.
pub fn lines_dropped() -> u64 {
    LOGS.get().map_or(0, |logs| logs.queue.lines_dropped())
}

/// Time since the first call.
fn clock() -> Duration {
    static START: LazyLock<Instant> = LazyLock::new(Instant::now);
    START.elapsed()
}

impl LogFormat {
    const fn shape(self, terminal: bool) -> Shape {
        match self {
            LogFormat::Auto if terminal => Shape::Text,
            LogFormat::Text => Shape::Text,
            LogFormat::Auto | LogFormat::Json => Shape::Json,
        }
    }
}

impl Logs {
    /// Prints the repeats held back so far.
    fn print_rest(&self) {
        let mut repeats = self.repeats.lock().unwrap_or_else(PoisonError::into_inner);
        for line in repeats.rest(self.shape) {
            self.queue.offer(line.as_bytes());
        }
    }

    fn begin<W>(to: W, shape: Shape, bounds: Bounds, now: fn() -> Duration) -> io::Result<Arc<Logs>>
    where
        W: Write + Send + 'static,
    {
        let (queue, lines, counts) = queue::bounded(bounds);
        let logs = Arc::new(Logs { queue, repeats: Mutex::new(Repeats::new()), shape });
        // The writer ends when the last sender is dropped.
        let held_back = Arc::downgrade(&logs);
        let due = move || {
            held_back.upgrade().map_or_else(Vec::new, |logs| {
                logs.repeats.lock().unwrap_or_else(PoisonError::into_inner).due(now(), shape)
            })
        };
        let writer = Writer::new(to, shape, counts);
        thread::Builder::new().name("logs".to_owned()).spawn(move || writer.run(&lines, due))?;
        Ok(logs)
    }
}

fn dispatch(filter: EnvFilter, terminal: bool, logs: Arc<Logs>, now: fn() -> Duration) -> Dispatch {
    let to = logs.clone();
    // The writer never fails. If it did, a report on standard error would panic where that is closed.
    let lines = tracing_subscriber::fmt().log_internal_errors(false).with_env_filter(filter);
    let lines = lines.with_writer(move || Offering(to.clone()));
    match logs.shape {
        Shape::Json => {
            let lines = lines.json().flatten_event(true).with_current_span(false).with_span_list(false);
            lines.map_event_format(|inner| Limited { inner, logs, now }).into()
        }
        Shape::Text => {
            let lines = lines.with_ansi(terminal).compact();
            // Colours are set on the event format, since it writes to a string first.
            lines.map_event_format(|inner| Limited { inner: inner.with_ansi(terminal), logs, now }).into()
        }
    }
}

#[cfg(test)]
mod tests;
