//! Names of a test's own on the stack, a configuration file that says them, and commands run with it.

use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;
use tidegate_tests::external::without_own_variables;
use tidegate_tests::stack::{Addresses, Leftovers, Settings};

use crate::BINARY;

/// Nothing is made here until a command makes it.
pub struct Place {
    pub settings: Settings,
    pub file: PathBuf,
    folder: TempDir,
    _leftovers: Leftovers,
}

/// How a command ended.
#[derive(Debug)]
pub struct Ended {
    pub code: Option<i32>,
    pub out: String,
    pub err: String,
}

impl Place {
    pub fn new() -> Self {
        let (settings, stack) = (Settings::default(), Addresses::found());
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("tidegate.toml");
        std::fs::write(&file, settings.file(&stack)).unwrap();
        let leftovers = Leftovers::watched(Path::new(BINARY), &settings, &stack);
        Place { settings, file, folder, _leftovers: leftovers }
    }

    /// Another file on the same names, with one piece of text replaced.
    pub fn file_with(&self, text: &str, by: &str) -> PathBuf {
        let file = self.folder.path().join("changed.toml");
        let said = std::fs::read_to_string(&self.file).unwrap();
        assert!(said.contains(text), "'{text}' is not in {said}");
        std::fs::write(&file, said.replace(text, by)).unwrap();
        file
    }

    /// The same, waiting only so long for servers at a start.
    pub fn impatient_file(&self, start_timeout_ms: u32) -> PathBuf {
        let file = self.folder.path().join("impatient.toml");
        let said = std::fs::read_to_string(&self.file).unwrap();
        let others = said.lines().filter(|line| !line.starts_with("start_timeout_ms"));
        let lines: Vec<&str> = others.collect();
        std::fs::write(&file, format!("start_timeout_ms = {start_timeout_ms}\n{}\n", lines.join("\n"))).unwrap();
        file
    }

    pub fn data(&self) -> String {
        self.folder.path().join("data").display().to_string()
    }

    /// Runs a command on this place.
    pub async fn run(&self, words: &[&str]) -> Ended {
        self.run_on(&self.file, words).await
    }

    pub async fn run_on(&self, file: &Path, words: &[&str]) -> Ended {
        let file = file.display().to_string();
        run(&[words, &["--config", &file]].concat(), &[]).await
    }

    /// Runs a command that must go well, and returns what it printed.
    pub async fn done(&self, words: &[&str]) -> String {
        let ended = self.run(words).await;
        assert_eq!(ended.code, Some(0), "{words:?}: {ended:?}");
        ended.out
    }
}

/// Runs the program with these words and variables until it ends.
pub async fn run(words: &[&str], variables: &[(&str, &str)]) -> Ended {
    let mut command = Command::new(BINARY);
    without_own_variables(&mut command);
    command.args(words).envs(variables.iter().copied());
    let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Ended { code: output.status.code(), out: text(&output.stdout), err: text(&output.stderr) }
}
