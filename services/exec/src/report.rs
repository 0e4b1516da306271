//! The reports: two heartbeats of one run (AgentPing: one-call run).

use std::time::Duration;

use serde::{Deserialize, Serialize};
use tidegate_agentping::{RunId, Slug};
use tidegate_kernel::Timestamp;
use tidegate_kernel::timestamp::{iso, iso_option};

use crate::status::JobStatus;

/// What stands for the credential, should the output have it.
const REDACTED: &str = "[credential]";

/// The body of a heartbeat. The report of the end says all that the one of the start does: it stands without it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Report {
    pub id: String,
    pub agent: String,
    /// `start`, `ok` or `fail`.
    pub status: String,
    #[serde(with = "iso")]
    pub started_at: Timestamp,
    #[serde(with = "iso_option", default, skip_serializing_if = "Option::is_none")]
    pub finished_at: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duration_ms: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metadata: Option<Metadata>,
    /// The end of the command's output, as text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output: Option<String>,
}

/// How the command ended. A plan without metadata drops it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Metadata {
    pub exit_code: u8,
    /// The number of the signal that ended the command.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signal: Option<u8>,
}

/// The end of a command.
#[derive(Clone, Debug)]
pub struct End {
    pub finished_at: Timestamp,
    /// By a clock that is never set.
    pub took: Duration,
    pub status: JobStatus,
    /// The last bytes of the output.
    pub tail: Option<Vec<u8>>,
}

impl Report {
    pub fn start(run: RunId, agent: &Slug, started_at: Timestamp) -> Self {
        Report {
            id: run.to_string(),
            agent: agent.as_str().to_owned(),
            status: "start".to_owned(),
            started_at,
            finished_at: None,
            duration_ms: None,
            metadata: None,
            output: None,
        }
    }

    pub fn end(start: &Report, end: End) -> Self {
        let signal = match end.status {
            JobStatus::Exited(_) => None,
            JobStatus::Signalled(number) => Some(number),
        };
        Report {
            status: if end.status.is_success() { "ok" } else { "fail" }.to_owned(),
            // A wall clock that was set back meanwhile.
            finished_at: Some(end.finished_at.max(start.started_at)),
            duration_ms: Some(u64::try_from(end.took.as_millis()).unwrap_or(u64::MAX)),
            metadata: Some(Metadata { exit_code: end.status.exit_code(), signal }),
            output: end.tail.map(|bytes| text(&bytes)),
            ..start.clone()
        }
    }

    /// Without `secret`, should the output have it.
    pub fn without(mut self, secret: &str) -> Self {
        self.output = self.output.map(|text| text.replace(secret, REDACTED));
        self
    }
}

/// The bytes as text. A character of which the cut left a part is left out; what is no text and what controls a
/// terminal is replaced.
fn text(bytes: &[u8]) -> String {
    let continued = bytes.iter().take(3).take_while(|byte| **byte & 0b1100_0000 == 0b1000_0000).count();
    let plain = |char: char| if char.is_control() && !"\n\r\t".contains(char) { '\u{fffd}' } else { char };
    String::from_utf8_lossy(&bytes[continued..]).chars().map(plain).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn output_is_text_whatever_the_bytes_are() {
        assert_eq!(text("grün\n".as_bytes()), "grün\n");
        assert_eq!(text(&"ü!".as_bytes()[1..]), "!");
        assert_eq!(text(b"\x1b[2Ja\0b\xff\tc"), "\u{fffd}[2Ja\u{fffd}b\u{fffd}\tc");
        assert_eq!(text(&[0x80; 3]), "");
    }
}
