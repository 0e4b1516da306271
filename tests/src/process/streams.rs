//! Where the standard output and the standard error of a process lead.

use std::fs::{File, OpenOptions};
use std::io::PipeReader;
use std::path::Path;
use std::process::Stdio;

/// What stands at the other end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Stream {
    /// The process's log file.
    #[default]
    Log,
    /// A device that is always full.
    Full,
    /// A pipe whose reader has gone.
    Closed,
    /// A pipe whose reader does not read.
    Stalled,
}

/// Both.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Streams {
    pub output: Stream,
    pub errors: Stream,
}

impl Stream {
    /// The end for the process, and one that must be kept as long as it lives.
    pub fn open(self, log: &Path) -> (Stdio, Option<PipeReader>) {
        let file = |opened: std::io::Result<File>| opened.unwrap_or_else(|error| panic!("{log:?}: {error}")).into();
        match self {
            Stream::Log => (file(OpenOptions::new().create(true).append(true).open(log)), None),
            Stream::Full => (file(OpenOptions::new().write(true).open("/dev/full")), None),
            Stream::Closed | Stream::Stalled => {
                let (reader, writer) = std::io::pipe().expect("a pipe");
                (writer.into(), (self == Stream::Stalled).then_some(reader))
            }
        }
    }
}
