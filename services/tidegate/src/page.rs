//! Writing to people and scripts: standard output for answers, standard error for what went wrong.

use std::fmt;
use std::io::{self, Write};

use serde::Serialize;

/// Where text goes. A reader that has gone away (a closed pipe) is not an error of ours.
pub struct Page {
    to: Box<dyn Write + Send>,
    is_gone: bool,
}

impl Page {
    pub fn output() -> Self {
        Page::new(io::stdout())
    }

    pub fn errors() -> Self {
        Page::new(io::stderr())
    }

    #[cfg(test)]
    pub fn to(writer: impl Write + Send + 'static) -> Self {
        Page::new(writer)
    }

    fn new(writer: impl Write + Send + 'static) -> Self {
        Page { to: Box::new(writer), is_gone: false }
    }

    /// Whether its reader has gone away: what is written for ever ends then.
    pub const fn is_gone(&self) -> bool {
        self.is_gone
    }

    pub fn line(&mut self, line: fmt::Arguments<'_>) {
        let written = writeln!(self.to, "{line}");
        self.heed(written);
    }

    pub fn text(&mut self, text: &str) {
        self.bytes(text.as_bytes());
    }

    /// Exactly these.
    pub fn bytes(&mut self, bytes: &[u8]) {
        let written = self.to.write_all(bytes).and_then(|()| self.to.flush());
        self.heed(written);
    }

    fn heed(&mut self, written: io::Result<()>) {
        self.is_gone |= written.is_err();
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
