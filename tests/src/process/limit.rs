//! Limits that a process starts with.

use std::path::Path;
use std::process::Command;

/// How many files may be open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limit {
    pub soft: u32,
    pub hard: u32,
}

impl Limit {
    /// The program under this limit, its arguments to follow.
    pub fn command(self, program: &Path) -> Command {
        let Limit { soft, hard } = self;
        let mut command = Command::new("sh");
        command.args(["-c", &format!("ulimit -Sn {soft} && ulimit -Hn {hard} && exec \"$0\" \"$@\"")]).arg(program);
        command
    }
}
