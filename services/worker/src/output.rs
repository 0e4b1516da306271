//! What a command writes: lines of bounded length, some of which are reports.

use std::io::{self, BufRead, BufReader, Read};

use serde::Deserialize;
use serde::de::IgnoredAny;
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
    Result {
        result: SaidResult,
        /// Members that no result has, or not with such a value.
        ignored: Vec<String>,
    },
    /// No report: a line for the log.
    Text,
}

/// How the run ended, by the command's own word.
#[derive(Clone, Debug, PartialEq)]
pub struct SaidResult {
    pub is_success: bool,
    /// Whether it has the members of a result only, each with such a value. Else it may be a line of a log.
    pub is_exact: bool,
    pub iterations: Option<u32>,
    pub pr_url: Option<String>,
    /// `code`, `message`, `details`, each if the command gave it.
    pub error: Map<String, Value>,
}

/// The members of reports, as progress may have them.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct ProgressMembers {
    iterations: Option<u32>,
    verification: Option<Map<String, Value>>,
    // Those of a result, which are absent or `null`.
    status: Option<IgnoredAny>,
    pr_url: Option<IgnoredAny>,
    error: Option<IgnoredAny>,
}

/// Reads a line. An object that has a result's `status` is a result, whatever else it has: `SaidResults` finds which
/// one counts. Any other object with a member that progress does not have is text, so that a command may log in JSON.
pub fn said(line: &OutputLine) -> Said {
    let text = line.bytes.trim_ascii();
    if line.is_cut || !text.starts_with(b"{") {
        return Said::Text;
    }
    let Ok(members) = serde_json::from_slice::<Map<String, Value>>(text) else { return Said::Text };
    match members.get("status").and_then(Value::as_str) {
        Some("succeeded") => result(true, members),
        Some("failed") => result(false, members),
        _ => progress(text),
    }
}

fn progress(text: &[u8]) -> Said {
    match serde_json::from_slice(text) {
        Ok(ProgressMembers { iterations, verification, status: None, pr_url: None, error: None })
            if iterations.is_some() || verification.is_some() =>
        {
            Said::Progress { iterations, verification }
        }
        _ => Said::Text,
    }
}

fn result(is_success: bool, members: Map<String, Value>) -> Said {
    let mut result = SaidResult { is_success, is_exact: true, iterations: None, pr_url: None, error: Map::new() };
    let mut ignored = Vec::new();
    for (name, value) in members {
        if !take(&mut result, &name, value) {
            ignored.push(name);
        }
    }
    result.is_exact = ignored.is_empty();
    Said::Result { result, ignored }
}

/// Takes a member of a result. Returns whether results have it.
fn take(result: &mut SaidResult, name: &str, value: Value) -> bool {
    match (name, value) {
        ("status", _) | ("iterations" | "prUrl" | "error", Value::Null) => {}
        ("iterations", value) => match value.as_u64().and_then(|count| u32::try_from(count).ok()) {
            Some(iterations) => result.iterations = Some(iterations),
            None => return false,
        },
        ("prUrl", Value::String(url)) => result.pr_url = Some(url),
        ("error", Value::Object(members)) => result.error = members,
        ("error", message @ Value::String(_)) => result.error = Map::from_iter([("message".to_owned(), message)]),
        _ => return false,
    }
    true
}

#[cfg(test)]
mod tests;
