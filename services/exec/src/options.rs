//! What a command is run with.

use std::ffi::OsString;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tidegate_agentping::Slug;

/// Takes a line about the reports, for people.
pub type NoteSink = Arc<dyn Fn(&str) + Send + Sync>;

/// How long the report of the end may take, unless another time is given.
pub const REPORT_WITHIN: Duration = Duration::from_secs(3);
/// Bytes of output that are reported if it is asked for without a number.
pub const TAIL_BYTES: usize = 10_000;
/// The most bytes of output that are reported. Written as JSON, they still fit into a request.
pub const MAX_TAIL_BYTES: usize = 100_000;

/// The options of [`exec`](crate::exec).
#[derive(Clone)]
pub struct ExecOptions {
    pub agent: Slug,
    /// A ping token of the agent or an API key of its team. Without one nothing is reported.
    pub token: Option<String>,
    /// Where AgentPing's front door is, without a path: `http://127.0.0.1:8080`.
    pub url: String,
    /// The program and its arguments.
    pub command: Vec<OsString>,
    /// How many bytes of the end of its output are reported; `None`: none, and its output is left alone.
    pub tail_bytes: Option<usize>,
    /// How long the report of the end may take.
    pub report_within: Duration,
    /// The folder of reports that could not be sent; `None`: they are not kept.
    pub spool: Option<PathBuf>,
}

impl ExecOptions {
    /// The program's name, for messages.
    pub(crate) fn program(&self) -> String {
        self.command.first().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
    }
}

impl fmt::Debug for ExecOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Neither the token nor the arguments, which may hold secrets.
        f.debug_struct("ExecOptions")
            .field("agent", &self.agent)
            .field("url", &self.url)
            .field("tail_bytes", &self.tail_bytes)
            .field("spool", &self.spool)
            .finish_non_exhaustive()
    }
}
