//! Writing to people and scripts: standard output for answers, standard error for what went wrong.

use std::fmt;
use std::io::{self, ErrorKind, Write};
use std::sync::OnceLock;

use serde::Serialize;
use tidegate_telemetry::logs;

use crate::failure::Failure;

/// Where text goes. A line that cannot be written ends nothing: [`Console::delivered`] says whether all was written,
/// and [`unwritten`] says so at the end of a command.
pub struct Console {
    to: Box<dyn Write + Send>,
    failure: Option<io::Error>,
    is_output: bool,
}

/// Why standard output did not take what was printed.
static UNWRITTEN: OnceLock<String> = OnceLock::new();

/// Why a part of what was printed on standard output is missing. A reader that has gone away (a closed pipe) has seen
/// enough: that is no failure.
pub fn unwritten() -> Option<&'static str> {
    UNWRITTEN.get().map(String::as_str)
}

/// Standard error. In a process that logs, its lines are among the log lines, and never block.
struct Errors;

impl Write for Errors {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        logs::plain(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Console {
    pub fn output() -> Self {
        Console { is_output: true, ..Console::new(io::stdout()) }
    }

    pub fn errors() -> Self {
        Console::new(Errors)
    }

    #[cfg(test)]
    pub fn to(writer: impl Write + Send + 'static) -> Self {
        Console::new(writer)
    }

    fn new(writer: impl Write + Send + 'static) -> Self {
        Console { to: Box::new(writer), failure: None, is_output: false }
    }

    /// Whether nothing can be written any more: a command that prints until it is interrupted ends then.
    pub const fn is_gone(&self) -> bool {
        self.failure.is_some()
    }

    /// Whether everything was taken so far.
    ///
    /// # Errors
    /// Why not: a full disk, or a reader that has gone away.
    pub fn delivered(&mut self) -> Result<(), Failure> {
        let flushed = self.to.flush();
        self.note(flushed);
        self.failure.as_ref().map_or(Ok(()), |error| Err(Failure::unavailable(error.to_string())))
    }

    pub fn line(&mut self, line: fmt::Arguments<'_>) {
        self.bytes(format!("{line}\n").as_bytes());
    }

    pub fn text(&mut self, text: &str) {
        self.bytes(text.as_bytes());
    }

    /// These bytes and nothing else.
    pub fn bytes(&mut self, bytes: &[u8]) {
        let written = self.to.write_all(bytes).and_then(|()| self.to.flush());
        self.note(written);
    }

    fn note(&mut self, written: io::Result<()>) {
        let Err(error) = written else { return };
        if self.is_output && error.kind() != ErrorKind::BrokenPipe {
            UNWRITTEN.get_or_init(|| error.to_string());
        }
        self.failure.get_or_insert(error);
    }

    /// One JSON value on one line.
    pub fn json(&mut self, value: &impl Serialize) {
        match serde_json::to_string(value) {
            Ok(text) => self.text(&format!("{text}\n")),
            // Our own answers always serialize; if one did not, silence would be worse.
            Err(error) => self.line(format_args!("{{\"error\":{:?}}}", error.to_string())),
        }
    }

    /// Columns, each as wide as its widest cell.
    pub fn table<const N: usize>(&mut self, head: [&str; N], rows: &[[String; N]]) {
        let mut widths = head.map(|cell| cell.chars().count());
        for row in rows {
            for (width, cell) in widths.iter_mut().zip(row) {
                *width = (*width).max(cell.chars().count());
            }
        }
        let all = std::iter::once(head.map(str::to_owned)).chain(rows.iter().cloned());
        for row in all {
            let cells: Vec<String> = row.iter().zip(widths).map(|(cell, width)| format!("{cell:<width$}")).collect();
            self.line(format_args!("{}", cells.join("  ").trim_end()));
        }
    }
}
