//! Formats log events. Warnings and errors that repeat a cause are [held back](super::repeats).

use std::collections::hash_map::DefaultHasher;
use std::fmt::{self, Debug, Write};
use std::hash::Hasher;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::registry::LookupSpan;

use super::Logs;
use super::repeats::Key;

/// Formats events with `inner`, but warnings and errors of one cause only every few seconds.
pub struct Limited<F> {
    pub inner: F,
    pub logs: Arc<Logs>,
    /// Time since a fixed instant.
    pub now: fn() -> Duration,
}

impl<S, N, F> FormatEvent<S, N> for Limited<F>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
    F: FormatEvent<S, N>,
{
    fn format_event(&self, context: &FmtContext<'_, S, N>, mut writer: Writer<'_>, event: &Event<'_>) -> fmt::Result {
        if *event.metadata().level() > Level::WARN {
            return self.inner.format_event(context, writer, event);
        }
        let mut line = String::new();
        self.inner.format_event(context, Writer::new(&mut line), event)?;
        let mut cause = Cause::default();
        event.record(&mut cause);
        let key = Key { call_site: event.metadata().callsite(), cause: cause.0.finish() };
        let now = (self.now)();
        let mut repeats = self.logs.repeats.lock().unwrap_or_else(PoisonError::into_inner);
        let printed = repeats.judge(key, now, line, self.logs.shape);
        drop(repeats);
        match printed {
            Some(line) => writer.write_str(&line),
            None => Ok(()),
        }
    }
}

/// The fields that name the cause. The others name the request, record, partition or duration.
const CAUSES: &[&str] = &[
    "message", "kind", "cause", "error", "why", "reason", "what", "stage", "task", "part", "name", "place", "policy",
    "facility",
];

/// A hash of the fields that name the cause.
#[derive(Default)]
struct Cause(DefaultHasher);

impl Visit for Cause {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        if CAUSES.contains(&field.name()) {
            let mut words = Words { hasher: &mut self.0, word: String::new() };
            // The adapter never fails.
            let _ = write!(words, "{value:?}");
            words.end();
            self.0.write_u8(0);
        }
    }
}

/// Hashes a text without its numbers, ids and addresses: all words with a digit count as the same word.
struct Words<'h> {
    hasher: &'h mut DefaultHasher,
    word: String,
}

impl Words<'_> {
    fn end(&mut self) {
        let has_digit = self.word.contains(|c: char| c.is_ascii_digit());
        self.hasher.write(if has_digit { b"#" } else { self.word.as_bytes() });
        self.word.clear();
    }
}

impl Write for Words<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for c in text.chars() {
            if c.is_alphanumeric() {
                self.word.push(c);
            } else {
                self.end();
                self.hasher.write_u32(c.into());
            }
        }
        Ok(())
    }
}
