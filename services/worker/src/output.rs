//! What a command writes: lines of bounded length, some of which are reports.

use std::io::{self, BufRead, BufReader, Read};

use serde::Deserialize;
use serde_json::{Map, Value};

/// Bytes of a line that are kept. A longer line is no report, and the rest of it is skipped.
const MOST_LINE_BYTES: usize = 256 * 1024;

/// A line without its end.
#[derive(Debug, PartialEq, Eq)]
pub struct OutputLine {
    pub bytes: Vec<u8>,
    /// Whether the line was longer than what is kept.
    pub is_cut: bool,
}

/// The lines of a pipe.
pub struct Lines<R>(BufReader<R>);

impl<R: Read> Lines<R> {
    pub fn new(pipe: R) -> Self {
        Lines(BufReader::new(pipe))
    }

    /// The next line, or `None` at the end of the pipe.
    fn read(&mut self) -> io::Result<Option<OutputLine>> {
        let mut line = OutputLine { bytes: Vec::new(), is_cut: false };
        let mut is_empty = true;
        loop {
            let buffer = match self.0.fill_buf() {
                Ok(buffer) => buffer,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            if buffer.is_empty() {
                return Ok((!is_empty).then_some(line));
            }
            is_empty = false;
            let end = buffer.iter().position(|byte| *byte == b'\n');
            let part = &buffer[..end.unwrap_or(buffer.len())];
            let kept = part.len().min(MOST_LINE_BYTES - line.bytes.len());
            line.bytes.extend_from_slice(&part[..kept]);
            line.is_cut |= kept < part.len();
            let used = part.len() + usize::from(end.is_some());
            self.0.consume(used);
            if end.is_some() {
                return Ok(Some(line));
            }
        }
    }
}

impl<R: Read> Iterator for Lines<R> {
    type Item = OutputLine;

    /// A pipe that cannot be read has ended.
    fn next(&mut self) -> Option<OutputLine> {
        self.read().ok().flatten()
    }
}

/// What a line of standard output says.
#[derive(Clone, Debug, PartialEq)]
pub enum Said {
    Progress {
        iterations: Option<u32>,
        verification: Option<Map<String, Value>>,
    },
    Result(SaidResult),
    /// No report: a line for the log.
    Text,
}

/// How the run ended, by the command's own word.
#[derive(Clone, Debug, PartialEq)]
pub struct SaidResult {
    pub is_success: bool,
    pub iterations: Option<u32>,
    pub pr_url: Option<String>,
    /// `code`, `message`, `details`, each if the command gave it.
    pub error: Map<String, Value>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Members {
    status: Option<Status>,
    iterations: Option<u32>,
    verification: Option<Map<String, Value>>,
    pr_url: Option<String>,
    error: Option<SaidError>,
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum Status {
    Succeeded,
    Failed,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum SaidError {
    Whole(Map<String, Value>),
    Message(String),
}

impl SaidError {
    fn members(self) -> Map<String, Value> {
        match self {
            SaidError::Whole(members) => members,
            SaidError::Message(message) => Map::from_iter([("message".to_owned(), Value::String(message))]),
        }
    }
}

/// Reads a line. An object with a member that reports do not have is text, so that a command may log in JSON.
pub fn said(line: &OutputLine) -> Said {
    let text = line.bytes.trim_ascii();
    if line.is_cut || !text.starts_with(b"{") {
        return Said::Text;
    }
    let Ok(members) = serde_json::from_slice::<Members>(text) else { return Said::Text };
    match members {
        Members { status: Some(status), iterations, verification: None, pr_url, error } => Said::Result(SaidResult {
            is_success: matches!(status, Status::Succeeded),
            iterations,
            pr_url,
            error: error.map(SaidError::members).unwrap_or_default(),
        }),
        Members { status: None, iterations, verification, pr_url: None, error: None }
            if iterations.is_some() || verification.is_some() =>
        {
            Said::Progress { iterations, verification }
        }
        _ => Said::Text,
    }
}

#[cfg(test)]
mod tests;
