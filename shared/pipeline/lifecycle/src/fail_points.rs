//! What a fail point does to the process. Only a build with the feature `fail-points` has it.

use rustix::process::{Signal, getpid, kill_process};

/// Ends this process at once, or with the action `suspend` suspends it as SIGSTOP does.
pub fn end_or_suspend(action: Option<String>) {
    if action.as_deref() != Some("suspend") {
        std::process::abort();
    }
    if let Err(error) = kill_process(getpid(), Signal::STOP) {
        tracing::error!(%error, "this process cannot be suspended");
    }
}
