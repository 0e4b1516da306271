//! A replay while it runs.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use tidegate_tests::external::without_own_variables;
use tidegate_tests::{eventually, process};

use crate::{BINARY, PATIENCE};

/// Its process. It ends with this value.
pub struct UnderWay {
    child: Option<Child>,
    out: PathBuf,
    err: PathBuf,
}

impl UnderWay {
    /// Starts the program with these words; what it writes is kept in `folder`.
    pub fn begin(folder: &Path, words: &[&str]) -> Self {
        let (out, err) = (folder.join("replay.out"), folder.join("replay.err"));
        let mut command = Command::new(BINARY);
        without_own_variables(&mut command);
        command.args(words).current_dir(folder).stdin(Stdio::null());
        command.stdout(File::create(&out).unwrap()).stderr(File::create(&err).unwrap());
        UnderWay { child: Some(command.spawn().unwrap()), out, err }
    }

    /// Waits for its end: its exit code, what it wrote, what it complained of.
    pub async fn end(mut self) -> (Option<i32>, String, String) {
        let mut child = self.child.take().expect("it was begun once");
        let ended = tokio::task::spawn_blocking(move || child.wait().unwrap()).await.unwrap();
        (ended.code(), text(&self.out), text(&self.err))
    }

    /// Waits until standard output has this text.
    pub async fn says(&self, what: &str) {
        eventually(PATIENCE, &format!("it says '{what}'"), async || {
            let told = text(&self.out);
            if told.contains(what) { Ok(()) } else { Err(format!("{told}{}", text(&self.err))) }
        })
        .await;
    }

    pub fn signal(&self, name: &str) {
        process::signal(self.child.as_ref().expect("it runs"), name);
    }

    /// `kill -9`, and waits until it is gone.
    pub fn kill(mut self) {
        self.end_now();
    }

    fn end_now(&mut self) {
        if let Some(mut child) = self.child.take() {
            // It may have ended by itself.
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.end_now();
    }
}

fn text(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_default()
}
