//! How a command ended.

use std::io::{self, ErrorKind};

use rustix::process::WaitIdStatus;

/// The exit code if there is no such command, as in a shell.
const NOT_FOUND: u8 = 127;
/// The exit code if a command cannot be started, as in a shell.
const NOT_EXECUTABLE: u8 = 126;

/// How a command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JobStatus {
    Exited(u8),
    /// It was ended by the signal of this number.
    Signalled(u8),
}

impl JobStatus {
    pub fn not_started(error: &io::Error) -> Self {
        JobStatus::Exited(not_started(error))
    }

    /// What the system says. A code that no process can have counts as a failure.
    pub fn of(status: &WaitIdStatus) -> Self {
        let number = |number: i32| u8::try_from(number).unwrap_or(u8::MAX);
        match (status.terminating_signal(), status.exit_status()) {
            (Some(signal), _) => JobStatus::Signalled(number(signal)),
            (None, code) => JobStatus::Exited(code.map_or(u8::MAX, number)),
        }
    }

    /// What a shell would say.
    pub const fn exit_code(self) -> u8 {
        match self {
            JobStatus::Exited(code) => code,
            JobStatus::Signalled(signal) => signal.saturating_add(128),
        }
    }

    pub const fn is_success(self) -> bool {
        matches!(self, JobStatus::Exited(0))
    }
}

/// The exit code for a command that could not be started.
pub fn not_started(error: &io::Error) -> u8 {
    if error.kind() == ErrorKind::NotFound { NOT_FOUND } else { NOT_EXECUTABLE }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_those_of_a_shell() {
        assert_eq!(JobStatus::Exited(3).exit_code(), 3);
        assert_eq!(JobStatus::Signalled(15).exit_code(), 143);
        assert_eq!(not_started(&io::Error::from(ErrorKind::NotFound)), 127);
        assert_eq!(not_started(&io::Error::from(ErrorKind::PermissionDenied)), 126);
        assert!(JobStatus::Exited(0).is_success());
        assert!(!JobStatus::Exited(1).is_success() && !JobStatus::Signalled(15).is_success());
    }
}
