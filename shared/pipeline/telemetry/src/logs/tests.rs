//! Log events written to a destination that works, fails or stalls.

use std::fmt::{self, Display};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};

use super::*;

const PATIENCE: Duration = Duration::from_secs(60);

/// The destination of lines in tests.
#[derive(Clone, Default)]
struct Paper(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    written: Vec<u8>,
    /// Bytes after which writes fail.
    is_full_at: Option<usize>,
}

impl Write for Paper {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut state = self.0.lock().unwrap();
        let free = state.is_full_at.map_or(bytes.len(), |at| at.saturating_sub(state.written.len()).min(bytes.len()));
        if free == 0 && !bytes.is_empty() {
            return Err(io::Error::from(io::ErrorKind::StorageFull));
        }
        state.written.extend_from_slice(&bytes[..free]);
        Ok(free)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Paper {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().written.clone()).unwrap()
    }

    fn is_full_at(&self, at: Option<usize>) {
        self.0.lock().unwrap().is_full_at = at;
    }
}

/// Blocks every write until it is released.
struct Stalled(Receiver<()>);

impl Write for Stalled {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        // The other end is dropped at the latest when the test ends.
        let _ = self.0.recv();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn stalled() -> (Stalled, Sender<()>) {
    let (release, released) = channel();
    (Stalled(released), release)
}

/// The time of the tests' clock in milliseconds. Each test that moves it has its own clock.
macro_rules! clock {
    ($name:ident, $millis:ident) => {
        static $millis: AtomicU64 = AtomicU64::new(0);
        fn $name() -> Duration {
            Duration::from_millis($millis.load(Ordering::Relaxed))
        }
    };
}

fn still() -> Duration {
    Duration::ZERO
}

fn begun(to: impl Write + Send + 'static, settings: &LogSettings, terminal: bool, now: fn() -> Duration) -> Begun {
    let logs = Logs::begin(to, settings.format.shape(terminal), Bounds::default(), now).unwrap();
    let dispatch = dispatch(settings.filter().unwrap(), terminal, logs.clone(), now);
    Begun { logs, dispatch }
}

struct Begun {
    logs: Arc<Logs>,
    dispatch: Dispatch,
}

impl Begun {
    fn run<T>(&self, work: impl FnOnce() -> T) -> T {
        dispatcher::with_default(&self.dispatch, work)
    }

    fn flush(&self) {
        assert!(self.logs.queue.flush(PATIENCE), "the writer does not write");
    }
}

fn json() -> LogSettings {
    LogSettings { level: "info".to_owned(), format: LogFormat::Json }
}

#[test]
fn lines_are_text_on_a_terminal_and_json_elsewhere() {
    for (format, terminal, json) in [
        (LogFormat::Auto, true, false),
        (LogFormat::Auto, false, true),
        (LogFormat::Text, false, false),
        (LogFormat::Json, true, true),
    ] {
        let paper = Paper::default();
        let logs = begun(paper.clone(), &LogSettings { level: "info".to_owned(), format }, terminal, still);
        logs.run(|| {
            tracing::info!(port = 8080, "listening");
            tracing::warn!(port = 8080, "listening, too");
            tracing::debug!("too fine");
        });
        logs.flush();
        let text = paper.text();
        assert_eq!(text.lines().count(), 2, "{text}");
        for line in text.lines() {
            assert!(line.contains("listening") && !line.contains("too fine"), "{line}");
            assert_eq!(line.starts_with('{'), json, "{format} {terminal}: {line}");
            assert_eq!(line.contains(r#""port":8080"#), json, "{line}");
            assert_eq!(line.contains('\u{1b}'), terminal && !json, "{line}");
        }
    }
}

#[test]
fn a_level_that_is_none_is_refused() {
    for (level, fine) in [
        ("info", true),
        ("WARN", true),
        ("info,tidegate_ingest=debug", true),
        ("inof", false),
        ("info,tidegate=loud", false),
        ("", false),
    ] {
        let settings = LogSettings { level: level.to_owned(), format: LogFormat::Auto };
        assert_eq!(settings.check().is_ok(), fine, "{level}");
    }
}

#[test]
fn a_failure_of_every_request_is_one_line_with_a_count() {
    clock!(now, MILLIS);
    let paper = Paper::default();
    let logs = begun(paper.clone(), &json(), false, now);
    let fail = |cause: &str, request: u64| tracing::warn!(cause, request, "the log did not take a record");
    logs.run(|| {
        for request in 0..400 {
            fail(&format!("the disk is full after {request} records at 10.0.0.{request}:9092"), request);
            fail("the topic is gone", request);
            tracing::info!(request, "no warning is every line's own");
        }
        MILLIS.store(5_000, Ordering::Relaxed);
        fail("the topic is gone", 400);
    });
    logs.logs.print_rest();
    logs.flush();
    let text = paper.text();
    let of = |cause: &str| text.lines().filter(|line| line.contains(cause)).collect::<Vec<_>>();
    // The writer may or may not have checked the repeated lines by now.
    for (cause, total) in [("disk is full", 400), ("topic is gone", 401)] {
        let lines = of(cause);
        assert!((2..=3).contains(&lines.len()), "{text}");
        let counted = |line: &&str| {
            let value: serde_json::Value = serde_json::from_str(line).unwrap();
            1 + value["suppressed"].as_u64().unwrap_or(0)
        };
        assert_eq!(lines.iter().map(counted).sum::<u64>(), total, "{text}");
    }
    assert_eq!(of("no warning").len(), 400);
}

#[test]
fn a_full_disk_costs_lines_and_the_log_goes_on_with_their_count() {
    let paper = Paper::default();
    let logs = begun(paper.clone(), &json(), false, still);
    logs.run(|| tracing::info!("before"));
    logs.flush();
    paper.is_full_at(Some(paper.text().len() + 7));
    for _ in 0..3 {
        logs.run(|| tracing::info!("lost"));
        logs.flush();
    }
    assert_eq!(logs.logs.queue.lines_dropped(), 3);
    paper.is_full_at(None);
    for line in ["after", "later"] {
        logs.run(|| tracing::info!("{line}"));
        logs.flush();
    }
    let text = paper.text();
    let lines: Vec<&str> = text.lines().collect();
    assert!(lines[0].contains("before") && lines[1].len() == 7, "{text}");
    let whole: Vec<serde_json::Value> = lines[2..].iter().map(|line| serde_json::from_str(line).unwrap()).collect();
    let messages: Vec<_> = whole.iter().filter_map(|line| line["message"].as_str()).collect();
    assert_eq!(messages, ["3 log lines were lost", "after", "later"], "{text}");
}

#[test]
fn a_destination_that_stalls_blocks_no_caller() {
    let (to, release) = stalled();
    let logs = begun(to, &json(), false, still);
    // More than the queue holds: a blocking offer would never return.
    logs.run(|| (0..20_000).for_each(|line| tracing::info!(line, "a line")));
    assert!(logs.logs.queue.lines_dropped() > 10_000);
    assert!(!logs.logs.queue.flush(Duration::ZERO));
    drop(release);
    logs.flush();
}

/// A value that cannot be printed.
struct Broken;

impl Display for Broken {
    fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
        panic!("this value cannot be printed");
    }
}

#[test]
fn a_value_that_panics_costs_its_line_only() {
    let paper = Paper::default();
    let logs = begun(paper.clone(), &json(), false, still);
    for _ in 0..2 {
        let ended = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            logs.run(|| tracing::warn!(error = %Broken, "no line"));
        }));
        assert!(ended.is_err());
        logs.run(|| tracing::warn!("a line"));
    }
    logs.flush();
    let text = paper.text();
    assert!(text.lines().all(|line| line.starts_with('{') && line.contains("a line")), "{text}");
    assert_eq!(text.lines().count(), 1, "the second one repeats the first: {text}");
}
