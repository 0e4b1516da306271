//! Starting the program under test.

use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use tempfile::TempDir;

use crate::front_door::TOKEN;

/// How the program is started.
pub struct Program {
    pub url: String,
    pub token: &'static str,
    pub tail: &'static str,
    pub within_ms: &'static str,
    pub spool: TempDir,
}

impl Program {
    pub fn at(url: &str) -> Self {
        let spool = tempfile::tempdir().unwrap();
        Program { url: url.to_owned(), token: TOKEN, tail: "-", within_ms: "60000", spool }
    }

    /// The program with this command, not started yet. Its standard input is empty.
    pub fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_exec-under-test"));
        command.args([&self.url, self.token]).arg(self.spool.path()).args([self.tail, self.within_ms]).args(words);
        command.stdin(Stdio::null());
        command
    }

    /// Runs this command to its end.
    pub async fn run(&self, words: &[&str]) -> Ran {
        let mut command = self.command(words);
        let output = tokio::task::spawn_blocking(move || command.output()).await.unwrap().unwrap();
        output.into()
    }

    /// Runs a line of the shell.
    pub async fn shell(&self, line: &str) -> Ran {
        self.run(&["/bin/sh", "-c", line]).await
    }

    /// The files of reports that wait.
    pub fn waiting(&self) -> Vec<PathBuf> {
        let below = |path: PathBuf| std::fs::read_dir(path).into_iter().flatten().map(|entry| entry.unwrap().path());
        below(self.spool.path().to_owned()).flat_map(below).collect()
    }
}

/// What came of a program.
#[derive(Debug, PartialEq, Eq)]
pub struct Ran {
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl From<Output> for Ran {
    fn from(output: Output) -> Self {
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        Ran { code: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) }
    }
}
