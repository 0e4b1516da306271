//! What a worker is started with, and why it ends with an error.

use std::ffi::OsString;
use std::fmt;
use std::time::Duration;

/// How long a command may take to end after SIGTERM before it is killed. It ends within 10 s of a stop, so the kill
/// comes a little earlier.
pub const STOP_GRACE: Duration = Duration::from_secs(8);

const _: () = assert!(STOP_GRACE.as_millis() < 10_000, "a command is killed within 10 s of a stop");

/// The options of [`work`](crate::work).
#[derive(Clone)]
pub struct WorkerOptions {
    /// Where AgentGate listens, without a path: `http://127.0.0.1:8082`.
    pub url: String,
    /// The worker key, `agw_live_…`. No command sees it.
    pub key: String,
    /// What runs for each lease: the path of an executable, or a line for `/bin/sh -c`.
    pub command: String,
    /// One run, then the end.
    pub once: bool,
    /// How many runs at a time, at least one.
    pub parallel: usize,
    pub supervisor: SupervisorCommand,
    /// The environment that commands inherit. Variables whose values hold the worker key are left out.
    pub environment: Vec<(OsString, OsString)>,
    /// From SIGTERM to SIGKILL; [`STOP_GRACE`] outside tests.
    pub stop_grace: Duration,
}

/// How to start this program so that it calls [`supervise`](crate::supervise).
#[derive(Clone, Debug)]
pub struct SupervisorCommand {
    pub program: OsString,
    pub arguments: Vec<OsString>,
}

impl fmt::Debug for WorkerOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Neither the key nor the environment, which may hold it.
        f.debug_struct("WorkerOptions")
            .field("url", &self.url)
            .field("command", &self.command)
            .field("once", &self.once)
            .field("parallel", &self.parallel)
            .finish_non_exhaustive()
    }
}

impl WorkerOptions {
    /// The environment of commands.
    pub(crate) fn keyless_environment(&self) -> impl Iterator<Item = &(OsString, OsString)> {
        let key = self.key.as_bytes();
        self.environment.iter().filter(move |(_, value)| key.is_empty() || !holds(value.as_encoded_bytes(), key))
    }
}

fn holds(text: &[u8], part: &[u8]) -> bool {
    text.windows(part.len()).any(|window| window == part)
}

/// Why a worker ended other than by its stop.
#[derive(Debug, thiserror::Error)]
pub enum WorkerError {
    #[error("{url:?} is not a URL of AgentGate: {why}")]
    Url { url: String, why: String },
    #[error("the worker key is empty or has characters that no header carries")]
    Key,
    #[error("no HTTP client: {0}")]
    NoClient(String),
    #[error("no random name for the worker: {0}")]
    NoRandomness(getrandom::Error),
    #[error("the server refuses the worker key: {0}")]
    KeyRefused(String),
    #[error("the run was not reported to the server")]
    NotReported,
    #[error("a slot ended early: {0}")]
    SlotEnded(String),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_variable_that_holds_the_key_is_inherited() {
        let variable = |name: &str, value: &str| (name.into(), value.into());
        let options = WorkerOptions {
            url: String::new(),
            key: "agw_live_1".to_owned(),
            command: String::new(),
            once: false,
            parallel: 1,
            supervisor: SupervisorCommand { program: OsString::new(), arguments: Vec::new() },
            environment: vec![
                variable("PATH", "/bin"),
                variable("KEY", "agw_live_1"),
                variable("ARGUMENTS", "--key=agw_live_1 --once"),
                variable("OTHER_KEY", "agw_live_2"),
            ],
            stop_grace: STOP_GRACE,
        };
        let names: Vec<_> = options.keyless_environment().map(|(name, _)| name.to_string_lossy()).collect();
        assert_eq!(names, ["PATH", "OTHER_KEY"]);
        assert!(!format!("{options:?}").contains("agw_live"));
    }
}
