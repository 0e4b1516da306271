//! Configuration as code: one file that says what a team sets. It is compared with what is set, and applied whole or not at
//! all.

use serde::Serialize;

pub mod compare;
pub mod file;
pub mod secrets;
pub mod yaml;

/// What is wrong with a file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ConfigFault {
    /// From 1.
    pub line: usize,
    /// From the top of the file, for example `agents.daily.schedule.cron`; empty: of the file as a whole.
    pub path: String,
    pub message: String,
}

impl ConfigFault {
    /// A fault at a line, of no member.
    pub fn at(line: usize, message: impl Into<String>) -> Self {
        ConfigFault { line, path: String::new(), message: message.into() }
    }

    /// A fault of the file as a whole.
    pub fn of_file(message: impl Into<String>) -> Self {
        Self::at(1, message)
    }
}
