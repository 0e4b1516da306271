//! The worker's log: its own lines, and what commands write that is no report.

use std::fmt;
use std::sync::Arc;

/// Takes each line. It is called on the runtime's threads, so it must not block.
pub type LogSink = Arc<dyn Fn(&LogLine) + Send + Sync>;

/// Bytes of a command's line that are logged. The rest is cut.
const MOST_BYTES: usize = 8 * 1024;
/// Bytes of a logged line besides the text and the run, about: the source, and what stands between them.
const FRAME_BYTES: usize = 16;

/// Who wrote a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogSource {
    Worker,
    CommandOutput,
    CommandErrors,
}

/// One line of the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogLine {
    /// The run that the line is about.
    pub run: Option<String>,
    pub source: LogSource,
    /// One line of text without control characters.
    pub text: String,
}

impl LogLine {
    pub(crate) fn worker(text: impl Into<String>) -> Self {
        LogLine { run: None, source: LogSource::Worker, text: harmless(&text.into()) }
    }

    pub(crate) fn of_run(run: &str, text: impl Into<String>) -> Self {
        LogLine { run: Some(run.to_owned()), ..LogLine::worker(text) }
    }

    /// A line that the command of `run` wrote, which `is_cut` if it was longer than what was read of it.
    pub(crate) fn of_command(run: &str, source: LogSource, line: &[u8], is_cut: bool) -> Self {
        let kept = &line[..line.len().min(MOST_BYTES)];
        let mut text = harmless(&String::from_utf8_lossy(kept));
        if is_cut || kept.len() < line.len() {
            text.push_str(" … (cut)");
        }
        LogLine { run: Some(run.to_owned()), source, text }
    }

    /// What the line takes in the log, about.
    pub(crate) fn bytes(&self) -> usize {
        FRAME_BYTES + self.run.as_ref().map_or(0, String::len) + self.text.len()
    }
}

/// `text` with its control characters escaped: a command must not write lines of its own making, or to a terminal.
fn harmless(text: &str) -> String {
    let is_harmless = |char: char| char == '\t' || !char.is_control();
    if text.chars().all(is_harmless) {
        return text.to_owned();
    }
    text.chars().fold(String::with_capacity(text.len()), |mut out, char| {
        if is_harmless(char) {
            out.push(char)
        } else {
            out.extend(char.escape_default())
        }
        out
    })
}

impl fmt::Display for LogLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(run) = &self.run {
            write!(f, "{run} ")?;
        }
        match self.source {
            LogSource::Worker => f.write_str(&self.text),
            LogSource::CommandOutput => write!(f, "stdout: {}", self.text),
            LogSource::CommandErrors => write!(f, "stderr: {}", self.text),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_sends_a_terminal_nothing() {
        let line = LogLine::of_command("run_1", LogSource::CommandErrors, b"\x1b[2Jred\r\tand \xff", false);
        assert_eq!(line.to_string(), "run_1 stderr: \\u{1b}[2Jred\\r\tand \u{fffd}");
    }

    #[test]
    fn a_long_line_is_cut() {
        let line = LogLine::of_command("run_1", LogSource::CommandOutput, &vec![b'x'; MOST_BYTES + 1], false);
        assert_eq!(line.text, format!("{} … (cut)", "x".repeat(MOST_BYTES)));
    }
}
